/* notify: one line to systemd (sd_notify's protocol) when NOTIFY_SOCKET is set; nothing otherwise. */
#ifndef PROPFLEET_SUPERVISOR_NOTIFY_H
#define PROPFLEET_SUPERVISOR_NOTIFY_H

void notify_systemd(const char *state);

#endif
