/* propfleet-feed: started by the supervisor only (base/control.h). */
#include "workers/feed/feed.h"

int main(int argc, char **argv)
{
    return feed_main(argc, argv);
}
