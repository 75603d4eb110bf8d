#!/bin/sh
# Run cargo for the chip with the toolchain at hand:
# 1. one that has the chip's target (rustup target add thumbv7em-none-eabihf);
# 2. one that has the library's source, which is then built too (rustup component add rust-src);
# 3. Debian's rustc-web, cargo-web, rust-web-src and lld.
set -eu
target=thumbv7em-none-eabihf
source=lib/rustlib/src/rust/library/core
sysroot=$(rustc --print sysroot 2>/dev/null || true)
here=$(cd "$(dirname "$0")" && pwd)

# The curve of pairing is in assembler (p256-cortex-m4), which clang translates.
export CC_thumbv7em_none_eabihf="${CC_thumbv7em_none_eabihf:-clang}"
export AR_thumbv7em_none_eabihf="${AR_thumbv7em_none_eabihf:-llvm-ar}"
export CFLAGS_thumbv7em_none_eabihf="-ffreestanding -I$here/include"
# Where source lies on this machine must not get into the image: the same source makes the same bytes.
export CARGO_TARGET_THUMBV7EM_NONE_EABIHF_RUSTFLAGS="--remap-path-prefix=$(dirname "$here")=firmware \
--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=${CARGO_TARGET_DIR:-$(dirname "$here")/target}=target"

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
