#!/bin/sh
# Run cargo for the chip with the toolchain at hand:
# 1. one that has the chip's target (rustup target add thumbv7em-none-eabihf);
# 2. one that has the library's source, which is then built too (rustup component add rust-src);
# 3. Debian's rustc-web, cargo-web, rust-web-src and lld.
set -eu
target=thumbv7em-none-eabihf
source=lib/rustlib/src/rust/library/core
sysroot=$(rustc --print sysroot 2>/dev/null || true)

if [ -n "$sysroot" ] && [ -d "$sysroot/lib/rustlib/$target/lib" ]; then
    exec cargo "$@" --target "$target"
fi
if [ -n "$sysroot" ] && [ -d "$sysroot/$source" ]; then
    RUSTC_BOOTSTRAP=1 exec cargo "$@" --target "$target" -Zbuild-std=core,alloc
fi
if [ -x /usr/bin/cargo ] && [ -d "/usr/$source" ]; then
    # rustup's cargo would be found first, and knows nothing of Debian's library.
    PATH=/usr/bin:$PATH
    CARGO_TARGET_THUMBV7EM_NONE_EABIHF_LINKER=ld.lld
    RUSTC_BOOTSTRAP=1
    export PATH CARGO_TARGET_THUMBV7EM_NONE_EABIHF_LINKER RUSTC_BOOTSTRAP
    exec /usr/bin/cargo "$@" --target "$target" -Zbuild-std=core,alloc
fi
echo "No Rust toolchain for $target. Either: rustup target add $target" >&2
echo "or: sudo apt install rustc-web cargo-web rust-web-src lld" >&2
exit 1
