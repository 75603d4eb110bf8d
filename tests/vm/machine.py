"""A virtual machine with a Debian kernel that has Bluetooth, whose disk is this machine's own, read-only.

The guest runs the same interpreter, packages and files; what it writes goes to memory and is gone with it.
The kernel package comes through apt; what is made of it is kept in `.cache/vm`.
"""

from __future__ import annotations

import gzip
import os
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CACHE = REPOSITORY / ".cache" / "vm"
TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "depmod": "kmod",
    "cpio": "cpio",
    "dbus-daemon": "dbus",
    "bluetoothd": "bluez",
    "apt-get": "apt (a Debian system)",
    "dpkg-deb": "dpkg (a Debian system)",
}
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/libexec/bluetooth"])

KERNEL_META_PACKAGE = "linux-image-amd64"
MODULE_FOLDERS = (
    "kernel/crypto",
    "kernel/lib",
    "kernel/arch",
    "kernel/net/9p",
    "kernel/net/bluetooth",
    "kernel/net/rfkill",
    "kernel/fs/9p",
    "kernel/fs/overlayfs",
    "kernel/fs/netfs",
    "kernel/fs/fscache",
    "kernel/drivers/virtio",
    "kernel/drivers/bluetooth",
    "kernel/drivers/char/hw_random",
)
"""What the guest needs of some four thousand modules."""
BOOT_MODULES = ("virtio_pci", "virtio-rng", "9pnet_virtio", "9p", "overlay")
MEMORY_MIB = 1536
KERNEL_OPTIONS = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr audit=0 apparmor=0 random.trust_cpu=on"

POWER_OFF_TIMEOUT_S = 10.0

READY_MARK = "bandsense-guest: ready"
EXIT_MARK = "bandsense-guest: exit "

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /host /scratch /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox modprobe $module; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro root /host
/bin/busybox mount -t tmpfs scratch /scratch
/bin/busybox mkdir /scratch/upper /scratch/work
/bin/busybox mount -t overlay -o lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work overlay /root
/bin/busybox mkdir -p /root/proc /root/sys /root/dev /root/lib/modules/{release}
/bin/busybox mount --move /proc /root/proc
/bin/busybox mount --move /sys /root/sys
/bin/busybox mount --move /dev /root/dev
/bin/busybox mount --bind /root{unpacked}/lib/modules/{release} /root/lib/modules/{release}
exec /bin/busybox switch_root /root /bin/sh {guest}
"""

GUEST = Path(__file__).with_name("guest.sh")


@dataclass(frozen=True)
class Kernel:
    """A prepared kernel: its image, and the initial ramdisk that brings up the host's disk."""

    release: str
    image: Path
    initrd: Path


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        exit_code: of the program in the guest; None when the guest never said so.
        ready: the guest came up at all.
        output: everything on its serial console.
    """

    exit_code: int | None
    ready: bool
    output: str


def find(tool: str) -> str | None:
    """Path of a tool, also of one meant for root."""
    return shutil.which(tool, path=_PATH)


def missing_packages() -> list[str]:
    """Debian packages that would have to be installed first."""
    return sorted({package for tool, package in TOOLS.items() if find(tool) is None})


def prepare(say: Callable[[str], None]) -> Kernel:
    """Fetch and unpack the kernel, unless that was done before."""
    package = _kernel_package()
    release = package.removeprefix("linux-image-")
    folder = CACHE / release
    kernel = Kernel(release, folder / "boot" / f"vmlinuz-{release}", folder / "initrd")
    if kernel.initrd.exists():
        return kernel
    say(f"fetching and unpacking {package}")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        fresh = Path(scratch) / release
        _unpack(_download(package, Path(scratch)), release, fresh)
        _run("depmod", "-b", str(fresh), release)
        _make_initrd(fresh, folder, release)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return kernel


def _kernel_package() -> str:
    """The package that the meta package stands for; asks apt, refreshing its lists once if need be."""
    for refresh in (False, True):
        if refresh:
            _run("apt-get", "update", "--quiet=2")
        depends = subprocess.run(
            ["apt-cache", "depends", KERNEL_META_PACKAGE], capture_output=True, text=True, check=False
        ).stdout
        if found := re.search(r"Depends: (linux-image-\d\S+)", depends):
            return found[1]
    raise RuntimeError(f"apt knows no package {KERNEL_META_PACKAGE}; is this a Debian system?")


def _download(package: str, folder: Path) -> Path:
    for refresh in (False, True):
        if refresh:
            _run("apt-get", "update", "--quiet=2")
        result = subprocess.run(
            ["apt-get", "download", "--quiet=2", package], cwd=folder, capture_output=True, text=True
        )
        if result.returncode == 0:
            return next(folder.glob(f"{package}_*.deb"))
    raise RuntimeError(f"apt cannot download {package}: {result.stderr.strip()}")


def _unpack(package: Path, release: str, folder: Path) -> None:
    """Unpack what the guest needs out of the package."""
    folder.mkdir()
    modules = f"./lib/modules/{release}"
    wanted = [f"./boot/vmlinuz-{release}", *(f"{modules}/{part}" for part in MODULE_FOLDERS)]
    wanted += [f"{modules}/modules.{kind}" for kind in ("builtin", "builtin.modinfo", "order")]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "-C", str(folder), *wanted], stdin=tar.stdout, check=True)


def _make_initrd(fresh: Path, folder: Path, release: str) -> None:
    """A ramdisk with busybox, the modules that reach the host's disk, and the first script."""
    root = fresh / "ramdisk"
    modules = Path("lib") / "modules" / release
    for part in ("bin", modules):
        (root / part).mkdir(parents=True)
    shutil.copy(str(find("busybox")), root / "bin" / "busybox")
    for name in _with_dependencies(fresh / modules, BOOT_MODULES):
        (root / modules / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fresh / modules / name, root / modules / name)
    shutil.copy(fresh / modules / "modules.dep", root / modules / "modules.dep")
    init = root / "init"
    init.write_text(
        INIT.format(modules=" ".join(BOOT_MODULES), release=release, unpacked=folder, guest=GUEST)
    )
    init.chmod(0o755)
    names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*"))).encode()
    archive = subprocess.run(
        [str(find("cpio")), "--null", "--create", "--format=newc", "--quiet"],
        cwd=root,
        input=names,
        capture_output=True,
        check=True,
    ).stdout
    (fresh / "initrd").write_bytes(gzip.compress(archive, 1))
    shutil.rmtree(root)


def _with_dependencies(modules: Path, names: tuple[str, ...]) -> set[str]:
    """Files of these modules and of those they need, relative to the folder of modules."""
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, dependencies = line.partition(":")
        needs[file] = dependencies.split()
    stems = {Path(file).stem.replace("-", "_"): file for file in needs}
    files = set()
    for name in names:
        file = stems[name.replace("-", "_")]
        files |= {file, *needs[file]}
    return files


def _run(tool: str, *arguments: str) -> None:
    path = find(tool)
    if path is None:
        raise RuntimeError(f"{tool} is missing; install {TOOLS[tool]}")
    subprocess.run([path, *arguments], check=True, stdout=subprocess.DEVNULL)


def _accelerator() -> str:
    """KVM where the processor really offers it to us; a /dev/kvm alone may mislead."""
    flags = Path("/proc/cpuinfo").read_text()
    usable = re.search(r"\b(vmx|svm)\b", flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return "kvm" if usable else "tcg,thread=multi,tb-size=512"


def run(
    kernel: Kernel,
    arguments: list[str],
    *,
    boot_timeout_s: float,
    timeout_s: float,
    say: Callable[[str], None],
) -> Outcome:
    """Boot the guest and run this interpreter with `arguments` in it; every line it prints goes to `say`."""
    command = [
        str(find("qemu-system-x86_64")),
        *("-M", "q35", "-accel", _accelerator(), "-cpu", "max", "-smp", "2", "-m", str(MEMORY_MIB)),
        *("-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio", "-device", "virtio-rng-pci"),
        *("-kernel", str(kernel.image), "-initrd", str(kernel.initrd)),
        *("-append", f"{KERNEL_OPTIONS} {_guest_arguments(arguments)}"),
        "-virtfs",
        "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap",
    ]
    lines: list[str] = []
    ready = False
    exit_code: int | None = None
    deadline = Deadline(boot_timeout_s)
    machine = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )
    try:
        for line in _lines_until(machine, deadline):
            lines.append(line)
            if READY_MARK in line:
                ready = True
                deadline.set(timeout_s)
            elif EXIT_MARK in line:
                exit_code = int(line.partition(EXIT_MARK)[2])
                deadline.set(POWER_OFF_TIMEOUT_S)
            elif ready:
                say(line)
    finally:
        machine.kill()
        machine.wait()
    return Outcome(exit_code, ready, "\n".join(lines))


def _guest_arguments(arguments: list[str]) -> str:
    """What the guest is to run, as kernel options, which end up in its environment."""
    values = {
        "bandsense_python": sys.executable,
        "bandsense_repository": str(REPOSITORY),
        "bandsense_arguments": ",".join(arguments),
    }
    for value in values.values():
        if re.search(r"[\s\"',]", value.replace(",", "")):
            raise ValueError(f"{value!r} cannot be handed to the guest")
    return " ".join(f"{name}={value}" for name, value in values.items())


class Deadline:
    """A moment that may be moved."""

    def __init__(self, after_s: float) -> None:
        self.set(after_s)

    def set(self, after_s: float) -> None:
        self.at_s = time.monotonic() + after_s

    @property
    def left_s(self) -> float:
        return self.at_s - time.monotonic()


def _lines_until(machine: subprocess.Popen[bytes], deadline: Deadline) -> Iterator[str]:
    """Lines of the console until it closes or the deadline passes."""
    assert machine.stdout is not None
    os.set_blocking(machine.stdout.fileno(), False)
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(machine.stdout, selectors.EVENT_READ)
        while (left_s := deadline.left_s) > 0:
            if not selector.select(min(left_s, 1.0)):
                continue
            data = os.read(machine.stdout.fileno(), 65536)
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace").rstrip("\r")


def boot_and_run(
    arguments: list[str],
    *,
    boot_attempts: int = 3,
    boot_timeout_s: float = 240.0,
    timeout_s: float = 900.0,
    say: Callable[[str], None],
) -> Outcome:
    """Run Python with these arguments in the machine; only a boot that fails is tried again."""
    kernel = prepare(say)
    for attempt in range(1, boot_attempts + 1):
        outcome = run(kernel, arguments, boot_timeout_s=boot_timeout_s, timeout_s=timeout_s, say=say)
        if outcome.ready:
            return outcome
        say(f"boot {attempt} of {boot_attempts} failed:\n{outcome.output}")
    return outcome


if __name__ == "__main__":
    if lacking := missing_packages():
        sys.exit(f"missing: {' '.join(lacking)}; install with: apt-get install {' '.join(lacking)}")
    result = boot_and_run(sys.argv[1:], say=lambda line: print(line, flush=True))
    sys.exit(1 if result.exit_code is None else result.exit_code)
