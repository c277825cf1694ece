//! What an engineer would script with other tools, and what the hardware can do at best.

use std::path::Path;

/// A script of the shell, and the programs that it needs.
///
/// It is given `SOURCE` (a qcow2 image), `BACKUP` (our object of it) and `OUT` (an empty directory).
/// What it writes it also flushes, as our operations do.
pub struct Contender {
    pub name: &'static str,
    pub needs: &'static [&'static str],
    /// Run before the clock starts.
    pub prepare: &'static str,
    /// So slow that one run has to do.
    pub once: bool,
    pub script: &'static str,
}

impl Contender {
    /// The programs that are not installed.
    pub fn missing(&self) -> Vec<&'static str> {
        let installed = |program: &&str| {
            ["/usr/local/bin", "/usr/bin", "/bin"]
                .iter()
                .any(|directory| Path::new(directory).join(program).is_file())
        };
        let needs = self.needs.iter().copied();
        needs.filter(|program| !installed(program)).collect()
    }
}

/// From an image to a backup.
pub const EXPORTS: [Contender; 5] = [
    Contender {
        name: "limit: `dd iflag=direct` of the image",
        needs: &["dd"],
        prepare: "",
        once: false,
        script: "dd if=$SOURCE of=/dev/null bs=4M iflag=direct status=none",
    },
    Contender {
        name: "limit: `nbdcopy` to `null:`",
        needs: &["nbdcopy", "qemu-nbd"],
        prepare: "",
        once: false,
        script: "nbdcopy -- [ qemu-nbd -r --shared=4 -f qcow2 $SOURCE ] null:",
    },
    Contender {
        name: "`qemu-img convert -c -W -m 16`, zstd",
        needs: &["qemu-img"],
        prepare: "",
        once: false,
        script: "qemu-img convert -c -W -m 16 -f qcow2 -O qcow2 -o compression_type=zstd \
                 $SOURCE $OUT/backup; sync $OUT/backup",
    },
    Contender {
        name: "`nbdcopy`, `zstd -1 -T2`, `rclone rcat`",
        needs: &["nbdcopy", "qemu-nbd", "zstd", "rclone"],
        prepare: "",
        once: false,
        script: "nbdcopy -- [ qemu-nbd -r -f qcow2 $SOURCE ] - | zstd -q -1 -T2 \
                 | rclone --config= rcat $OUT/backup; sync $OUT/backup",
    },
    Contender {
        name: "`restic backup --stdin` (encrypts, finds duplicates)",
        needs: &["nbdcopy", "qemu-nbd", "restic"],
        prepare: "RESTIC_PASSWORD=x restic -q --no-cache -r $OUT/backup init",
        once: true,
        script: "nbdcopy -- [ qemu-nbd -r -f qcow2 $SOURCE ] - \
                 | RESTIC_PASSWORD=x restic -q --no-cache -r $OUT/backup backup --stdin; \
                 sync -f $OUT",
    },
];

/// From a backup to an image.
pub const RESTORES: [Contender; 4] = [
    Contender {
        name: "limit: `dd oflag=direct` of as many bytes",
        needs: &["dd"],
        prepare: "",
        once: false,
        script: "dd if=/dev/zero of=$OUT/disk bs=4M count=$DATA_BYTES iflag=count_bytes \
                 oflag=direct conv=fsync status=none",
    },
    Contender {
        name: "`qemu-img convert -W -m 16` of its own backup",
        needs: &["qemu-img"],
        prepare: "qemu-img convert -c -W -m 16 -f qcow2 -O qcow2 -o compression_type=zstd \
                  $SOURCE $OUT/backup",
        once: false,
        script: "qemu-img convert -W -m 16 -f qcow2 -O qcow2 $OUT/backup $OUT/disk; \
                 sync $OUT/disk",
    },
    Contender {
        name: "`zstd -d`, `nbdcopy` to a new image",
        needs: &["nbdcopy", "qemu-nbd", "zstd"],
        prepare: "qemu-img create -q -f qcow2 $OUT/disk $SIZE_BYTES",
        once: false,
        script: "zstd -q -dc $BACKUP | nbdcopy --flush -- - [ qemu-nbd -f qcow2 $OUT/disk ]; \
                 sync $OUT/disk",
    },
    Contender {
        name: "`zstd -d --sparse` to a raw file",
        needs: &["zstd"],
        prepare: "",
        once: false,
        script: "zstd -q -d --sparse $BACKUP -o $OUT/disk; sync $OUT/disk",
    },
];
