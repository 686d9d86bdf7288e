#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The first process of the virtual machine: loads the modules it takes to see the host's files, lays
# a file system in memory over them, so that nothing is written to the host, and goes on there.
# Arguments: the folder of the kernel's modules, then a command with its arguments.
modules=$1
shift
mount -t proc proc /proc
for module in /modules/*; do
	insmod "$module"
done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /lower
mount -t tmpfs tmpfs /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /root
mkdir -p /root/lib/modules
ln -sfn "$modules" "/root/lib/modules/${modules##*/}"
exec chroot /root "$@"
