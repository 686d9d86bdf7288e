/* SPDX-License-Identifier: BSD-3-Clause */
/* `peertag-xdp classify`: a capture through the classifier, offline. Threading: none. */
#ifndef PEERTAG_DATAPLANE_XDP_CLASSIFY_H
#define PEERTAG_DATAPLANE_XDP_CLASSIFY_H

/* argv[0] is "classify". Prints one JSON document. Returns the exit code: 0, 1 failed, 2 usage. */
int classify_main(int argc, char **argv);

#endif
