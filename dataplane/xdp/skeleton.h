/* SPDX-License-Identifier: BSD-3-Clause */
/* The generated skeleton of the BPF object, with the types that it takes for known. */
#ifndef PEERTAG_DATAPLANE_XDP_SKELETON_H
#define PEERTAG_DATAPLANE_XDP_SKELETON_H

#include <peertag/xdp.h>

#include "peertag.skel.h"

#endif
