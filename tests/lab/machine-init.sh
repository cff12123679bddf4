#!/bin/bash
# machine-init.sh FOLDER SHARED - makes a root for a machine and boots systemd in it
#
# Called by machine.sh as the first process of new namespaces. The root is this machine's; all
# writes stay in memory (overlayfs). SHARED is the only folder that is the same outside. Units
# that would start by themselves are removed.
set -euo pipefail

folder=$1 shared=$2
root=$folder/root

mount --make-rprivate /
mount -t tmpfs machine "$folder" -o mode=755
mkdir "$root" "$folder/upper" "$folder/work"
mount -t overlay machine "$root" \
	-o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs dev "$root/dev" -o mode=755
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs shm "$root/dev/shm"
mount -t tmpfs run "$root/run" -o mode=755
mkdir -p "$root$shared"
mount --bind "$shared" "$root$shared"

# a bare router: no service of this machine, and installed services may start
rm -rf "$root"/etc/systemd/system/*.wants "$root/usr/sbin/policy-rc.d"
rm -rf "$root"/etc/multihomed "$root"/var/lib/multihomed

cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
export container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec /lib/systemd/systemd --system --unit=basic.target --show-status=no
