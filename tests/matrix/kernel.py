# SPDX-License-Identifier: BSD-3-Clause
"""Debian's kernels: fetched, unpacked, and made ready to boot on top of the host's own files."""

import glob
import os
import re
import shutil
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
ARCHIVES = {"6.1": "bookworm", "6.12": "bookworm-backports"}
INIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "init.sh")

# Of a kernel's 4,000 modules.
FOLDERS = ("kernel/net", "kernel/fs", "kernel/lib", "kernel/crypto", "kernel/arch",
           "kernel/drivers/virtio", "kernel/drivers/net/*.ko*")
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
BOOT_PROGRAMS = ("bash", "mount", "mkdir", "ln", "chroot", "insmod")


class Missing(Exception):
    """Something outside of peertag that the test needs is not to be had."""


def run(*command, **options):
    try:
        result = subprocess.run(command, capture_output=True, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise Missing(str(reason)) from reason
    if result.returncode != 0:
        told = result.stderr.decode(errors="replace").strip()
        raise Missing(f"{command[0]} ... {command[-1]}: {told}")
    return result.stdout


class Kernel:
    """One kernel in a folder of its own, which is kept for the next time."""

    def __init__(self, series, folder):
        self.series = series
        self.folder = os.path.join(folder, series)
        os.makedirs(self.folder, exist_ok=True)
        if not self._images():
            self._unpack(self._fetch())
        self.image = self._images()[0]
        self.version = os.path.basename(self.image).removeprefix("vmlinuz-")
        self.modules = os.path.join(self.folder, "lib", "modules", self.version)
        self.initramfs = os.path.join(self.folder, "initramfs")
        initramfs_write(self.initramfs, self._boot_modules())

    def _images(self):
        return glob.glob(os.path.join(self.folder, "boot", "vmlinuz-*"))

    def _apt_options(self):
        """An archive of our own beside those of the host, whose lists stay as they are."""
        sources = os.path.join(self.folder, "archive.list")
        with open(sources, "w", encoding="ascii") as file:
            file.write(f"deb [signed-by={KEYRING}] {MIRROR} {ARCHIVES[self.series]} main\n")
        lists = os.path.join(self.folder, "lists")
        os.makedirs(os.path.join(lists, "partial"), exist_ok=True)
        settings = {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "-",
                    "Dir::State::lists": lists, "Dir::Cache": self.folder,
                    "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "",
                    "APT::Sandbox::User": "root", "Acquire::Languages": "none",
                    "Acquire::Retries": "2", "Acquire::http::Timeout": "20"}
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def _fetch(self):
        """Downloads the package of the series' newest kernel; returns its path."""
        options = self._apt_options()
        run("apt-get", *options, "-qq", "--error-on=any", "update", timeout=120)
        told = run("apt-cache", *options, "depends", "linux-image-amd64").decode()
        name = re.search(r"Depends: (linux-image-\d\S+-amd64)", told)
        if not name or not name[1].startswith(f"linux-image-{self.series}."):
            raise Missing(f"{ARCHIVES[self.series]} has no kernel {self.series}: {told}")
        run("apt-get", *options, "-qq", "download", name[1], cwd=self.folder, timeout=300)
        return glob.glob(os.path.join(self.folder, f"{name[1]}_*.deb"))[0]

    def _unpack(self, package):
        """The image comes last, so that a folder with one is whole."""
        whole = os.path.join(self.folder, "whole")
        for leftover in (whole, os.path.join(self.folder, "lib")):
            shutil.rmtree(leftover, ignore_errors=True)
        run("dpkg-deb", "-x", package, whole)
        modules = glob.glob(os.path.join(whole, "lib", "modules", "*"))
        modules += glob.glob(os.path.join(whole, "usr", "lib", "modules", "*"))
        version = os.path.basename(modules[0])
        target = os.path.join(self.folder, "lib", "modules", version)
        for pattern in (*FOLDERS, "modules.*"):
            for path in glob.glob(os.path.join(modules[0], pattern)):
                place = os.path.join(target, os.path.relpath(path, modules[0]))
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.rename(path, place)
        run("depmod", "-b", self.folder, version)
        os.rename(os.path.join(whole, "boot"), os.path.join(self.folder, "boot"))
        shutil.rmtree(whole)
        os.unlink(package)

    def _boot_modules(self):
        """The files to load, in order; what is built into this kernel has none."""
        paths = []
        for name in BOOT_MODULES:
            told = run("modprobe", "-d", self.folder, "-S", self.version, "--show-depends", name)
            for word, *rest in map(str.split, told.decode().splitlines()):
                if word == "insmod" and rest[0] not in paths:
                    paths.append(rest[0])
        return paths


def libraries(program):
    """The shared libraries of a program, with the loader."""
    return re.findall(r"(/\S+) \(0x", run("ldd", program).decode())


def initramfs_write(path, modules):
    files = {"init": INIT}
    for number, module in enumerate(modules):
        files[f"modules/{number:02}-{os.path.basename(module)}"] = module
    for name in BOOT_PROGRAMS:
        program = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not program:
            raise Missing(f"{name} is not installed")
        files[f"bin/{name}"] = program
        for library in libraries(program):
            files[library.lstrip("/")] = library
    with open(path, "wb") as file:
        archive_write(file, files)


def archive_write(file, files):
    """A cpio archive, "newc", as Documentation/driver-api/early-userspace/buffer-format says."""
    folders = {"proc", "lower", "upper", "root"}
    for name in files:
        while name := os.path.dirname(name):
            folders.add(name)
    for name in sorted(folders):
        entry_write(file, name, 0o040755, b"")
    for name, source in files.items():
        with open(source, "rb") as content:
            entry_write(file, name, 0o100755, content.read())
    entry_write(file, "TRAILER!!!", 0, b"")


def entry_write(file, name, mode, content):
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    file.write(head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4))
