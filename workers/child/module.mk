# what every program that the supervisor starts has in common
MODULES += child
child_SRC := workers/child/child.c
