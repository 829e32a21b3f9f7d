# firm limits and sizing (pure)
MODULES += risk
risk_SRC := workers/risk/limits.c workers/risk/sizing.c
