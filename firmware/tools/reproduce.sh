#!/bin/sh
# Build the firmware once more, from a copy of the source in another folder, and compare. Usage: tools/reproduce.sh BUILT
set -eu
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -C .. --exclude=firmware/target --exclude=firmware/build --exclude=firmware/keys -cf - \
    firmware docs/protocol-vectors.json hardware | tar -C "$copy" -xf -
CARGO_TARGET_DIR=$copy/target OUTPUT=$copy/build make -s -C "$copy/firmware" elf PYTHON="${PYTHON:-python3}"
for name in boot slot-a slot-b; do
    llvm-objcopy -O binary "$1/$name.elf" "$copy/first.bin"
    llvm-objcopy -O binary "$copy/build/$name.elf" "$copy/second.bin"
    cmp "$copy/first.bin" "$copy/second.bin"
    echo "$name: the same, $(sha256sum <"$copy/first.bin" | cut -c 1-16)..."
done
