/* propfleet-account: one account. Started by the supervisor. */
#include "workers/account/driver.h"

int main(int argc, char **argv)
{
    static struct driver driver; /* large: not on the stack */
    driver_init(&driver, argc, argv);
    return driver_run(&driver);
}
