# the broker interface and the paper venue
MODULES += broker
broker_SRC := workers/broker/broker.c workers/broker/paper.c
