/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `PROGRAM classify`: a capture through the engine that the program is linked with, offline.
 * Threading: none.
 */
#ifndef PEERTAG_DATAPLANE_CLASSIFY_H
#define PEERTAG_DATAPLANE_CLASSIFY_H

/*
 * argv[0] is "classify". Prints one JSON document; where the capture is broken behind its first
 * frames, of those, and then the error. Returns the exit code: 0, 1 failed, 2 usage.
 */
int classify_main(int argc, char **argv);

#endif
