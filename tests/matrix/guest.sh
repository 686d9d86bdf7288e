#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Inside the virtual machine, as its first process after init.sh: runs the tests of the list that
# it is given (lines of name, seconds and command, tab between them) and tells the console.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t bpf bpf /sys/fs/bpf
mkdir -p /dev/shm /run/lock
mount -t tmpfs tmpfs /dev/shm
ip link set lo up

while IFS=$'\t' read -r name seconds command; do
	began=$(date +%s)
	timeout -k 5 "$seconds" bash -c "$command" </dev/null >/tmp/output 2>&1
	code=$?
	echo "matrix: result $name $code $(($(date +%s) - began))"
	[ "$code" = 0 ] && [ "$name" != command ] || tail -n 80 /tmp/output
done <"$1"

# A kernel that complains has failed, whatever the programs say.
dmesg | grep -A 30 -E 'BUG:|WARNING:|Oops|general protection|blocked for more' >/tmp/output
code=$?
echo "matrix: result kernel_log $((code == 0)) 0"
head -n 80 /tmp/output
sync
echo b >/proc/sysrq-trigger
