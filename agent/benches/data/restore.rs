//! From a backup to a volume, without us.

use crate::{
    choice::{Source, Target},
    contender::Contender,
};

/// What there is to compare a restore with.
pub fn contenders(source: Source, target: Target) -> Vec<Contender> {
    let mut all = Vec::new();
    all.extend(reads(target));
    all.extend(writes(source));
    if target == Target::Local && source == Source::Qcow2 {
        all.push(convert());
    }
    if target != Target::Nfs {
        all.push(pipe(source, target));
    }
    if target == Target::Local {
        all.push(unpack());
    }
    all
}

/// How fast the destination gives our object.
fn reads(target: Target) -> Option<Contender> {
    (target == Target::S3).then(|| Contender {
        name: "limit: `rclone copyto` of our object to a file",
        needs: &["rclone"],
        script: "rclone copyto $OBJECT $OUT/object".into(),
        ..Contender::default()
    })
}

/// How fast the storage takes as many bytes as the volume holds.
fn writes(source: Source) -> Option<Contender> {
    (source == Source::Qcow2).then(|| Contender {
        name: "limit: `dd oflag=direct` of as many bytes",
        needs: &["dd"],
        script: "dd if=/dev/zero of=$OUT/disk bs=4M count=$DATA_BYTES iflag=count_bytes \
                 oflag=direct conv=fsync status=none"
            .into(),
        ..Contender::default()
    })
}

fn convert() -> Contender {
    Contender {
        name: "`qemu-img convert -W -m 16` of its own backup",
        needs: &["qemu-img"],
        prepare: "qemu-img convert -c -W -m 16 -f qcow2 -O qcow2 -o compression_type=zstd \
                  $SOURCE $OUT/backup"
            .into(),
        script: "qemu-img convert -W -m 16 -f qcow2 -O qcow2 $OUT/backup $OUT/disk; \
                 sync $OUT/disk"
            .into(),
        ..Contender::default()
    }
}

fn pipe(source: Source, target: Target) -> Contender {
    let read = match target {
        Target::S3 => "rclone cat $OBJECT | zstd -q -dc",
        Target::Local | Target::Nfs => "zstd -q -dc $OBJECT",
    };
    match source {
        Source::Qcow2 => Contender {
            name: "`zstd -d`, `nbdcopy` to a new image",
            needs: &["nbdcopy", "qemu-nbd", "zstd", "rclone"],
            prepare: "qemu-img create -q -f qcow2 $OUT/disk $SIZE_BYTES".into(),
            script: format!(
                "{read} | nbdcopy --flush -- - [ qemu-nbd -f qcow2 $OUT/disk ]; sync $OUT/disk"
            ),
            streams: true,
            ..Contender::default()
        },
        Source::Ceph => Contender {
            name: "`zstd -d`, `rbd import`",
            needs: &["rbd", "zstd", "rclone"],
            script: format!("{read} | rbd import --no-progress - $POOL/others"),
            finish: "rbd rm --no-progress $POOL/others",
            streams: true,
            ..Contender::default()
        },
    }
}

fn unpack() -> Contender {
    Contender {
        name: "`zstd -d --sparse` to a raw file",
        needs: &["zstd"],
        script: "zstd -q -d --sparse $OBJECT -o $OUT/disk; sync $OUT/disk".into(),
        streams: true,
        ..Contender::default()
    }
}
