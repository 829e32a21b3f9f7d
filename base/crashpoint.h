/* crashpoint: places where tests kill the process, between any two durable steps.
 *
 * Compiled to nothing unless the tree is built with FAULTS=1 (build/faults). There the
 * variable PROPFLEET_CRASH="name:count[,name:count...]" kills the process with SIGKILL at the
 * count-th passage of the named point; PROPFLEET_CRASH_FILE names a file that is created first,
 * and whose existence disarms the point, so that the restarted process goes on.
 */
#ifndef PROPFLEET_BASE_CRASHPOINT_H
#define PROPFLEET_BASE_CRASHPOINT_H

#ifdef PROPFLEET_FAULTS
void crashpoint_pass(const char *name);
#define CRASHPOINT(name) crashpoint_pass(name)
#else
#define CRASHPOINT(name) ((void)0)
#endif

#endif
