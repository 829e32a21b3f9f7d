/* propfleet-coordinator: permits. Started by the supervisor. */
#include "workers/coordinator/driver.h"

int main(int argc, char **argv)
{
    return coordinator_run(argc, argv);
}
