#!/bin/sh
# First program of the guest after the initial ramdisk: brings up Bluetooth, runs Python, powers off.
# What to run came with the kernel's command line and is in the environment.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8
hostname guest
ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null
mkdir -p /dev/shm /dev/pts
for folder in /run /dev/shm /var/lib/bluetooth; do mkdir -p "$folder" && mount -t tmpfs tmpfs "$folder"; done
mkdir -p /run/dbus
for module in hci_vhci cmac ecb algif_hash algif_skcipher; do modprobe "$module"; done
dbus-daemon --system --fork
/usr/libexec/bluetooth/bluetoothd --nodetach >/run/bluetoothd.log 2>&1 &
echo $! >/run/bluetoothd.pid
echo "bandsense-guest: ready"
cd "$bandsense_repository" || exit 1
# shellcheck disable=SC2046 # the arguments are meant to be split
BANDSENSE_WORLD=bluez "$bandsense_python" $(echo "$bandsense_arguments" | tr , ' ')
echo "bandsense-guest: exit $?"
echo o >/proc/sysrq-trigger
sleep 10
