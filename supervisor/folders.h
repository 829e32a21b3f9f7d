/* folders: state and runtime folder, and the locks that keep a second supervisor out. */
#ifndef PROPFLEET_SUPERVISOR_FOLDERS_H
#define PROPFLEET_SUPERVISOR_FOLDERS_H

struct error;

/* Make the folder with its parents (0700 for those that are made). */
int folders_make(const char *path, struct error *err);
/* Make it, and see that it is ours and closed to others (0700). */
int folders_make_private(const char *path, struct error *err);
/* Open FOLDER/NAME, lock it for life, write our pid. Returns the descriptor; -EWOULDBLOCK: another
 * supervisor holds it, err names it. */
int folders_lock(const char *folder, const char *name, struct error *err);

#endif
