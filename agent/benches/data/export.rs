//! From a volume to a backup, without us.

use crate::{
    choice::{Source, Target},
    contender::Contender,
};

/// What there is to compare a backup with.
pub fn contenders(source: Source, target: Target) -> Vec<Contender> {
    let mut all = reads(source);
    all.extend(writes(target));
    if target == Target::Local {
        all.push(convert(source));
    }
    if target != Target::Nfs {
        all.push(pipe(source, target));
        all.push(restic(source, target));
    }
    all
}

/// The volume's content on the standard output.
fn read(source: Source) -> &'static str {
    match source {
        Source::Qcow2 => "nbdcopy -- [ qemu-nbd -r -f qcow2 $SOURCE ] -",
        Source::Ceph => "rbd export --no-progress $SOURCE -",
    }
}

/// How fast the volume can be read.
fn reads(source: Source) -> Vec<Contender> {
    let file = match source {
        Source::Qcow2 => Contender {
            name: "limit: `dd iflag=direct` of the image",
            needs: &["dd"],
            script: "dd if=$SOURCE of=/dev/null bs=4M iflag=direct status=none".into(),
            ..Contender::default()
        },
        Source::Ceph => Contender {
            name: "limit: `rbd export` to nowhere",
            needs: &["rbd"],
            script: format!("{} > /dev/null", read(source)),
            streams: true,
            ..Contender::default()
        },
    };
    let server = Contender {
        name: "limit: `nbdcopy` to `null:`",
        needs: &["nbdcopy", "qemu-nbd"],
        script: format!(
            "nbdcopy -- [ qemu-nbd -r --shared=4 -f {} $QEMU_SOURCE ] null:",
            format(source)
        ),
        ..Contender::default()
    };
    vec![file, server]
}

/// How fast the destination takes as many bytes as we store.
fn writes(target: Target) -> Option<Contender> {
    match target {
        Target::Local => None,
        Target::S3 => Some(Contender {
            name: "limit: `rclone copyto` of as many bytes as we store",
            needs: &["rclone"],
            prepare: "rclone copyto $OBJECT $OUT/object".into(),
            script: "rclone copyto $OUT/object $BUCKET/others/backup".into(),
            stores: true,
            ..Contender::default()
        }),
        Target::Nfs => Some(Contender {
            name: "limit: `dd oflag=direct` of as many bytes as we store, to the server's disk",
            needs: &["dd"],
            script: "dd if=$OBJECT of=$OUT/backup bs=4M iflag=direct oflag=direct conv=fsync \
                     status=none"
                .into(),
            stores: true,
            ..Contender::default()
        }),
    }
}

fn convert(source: Source) -> Contender {
    Contender {
        name: "`qemu-img convert -c -W -m 16`, zstd",
        needs: &["qemu-img"],
        script: format!(
            "qemu-img convert -c -W -m 16 -f {} -O qcow2 -o compression_type=zstd \
             $QEMU_SOURCE $OUT/backup; sync $OUT/backup",
            format(source)
        ),
        stores: true,
        ..Contender::default()
    }
}

fn pipe(source: Source, target: Target) -> Contender {
    let (name, needs): (_, &[_]) = match source {
        Source::Qcow2 => (
            "`nbdcopy`, `zstd -1 -T2`, `rclone rcat`",
            &["nbdcopy", "qemu-nbd", "zstd", "rclone"],
        ),
        Source::Ceph => (
            "`rbd export`, `zstd -1 -T2`, `rclone rcat`",
            &["rbd", "zstd", "rclone"],
        ),
    };
    let write = match target {
        Target::S3 => "rclone rcat $BUCKET/others/backup",
        Target::Local | Target::Nfs => "rclone rcat $OUT/backup; sync $OUT/backup",
    };
    Contender {
        name,
        needs,
        script: format!("{} | zstd -q -1 -T2 | {write}", read(source)),
        streams: true,
        stores: true,
        ..Contender::default()
    }
}

fn restic(source: Source, target: Target) -> Contender {
    let (repository, flush) = match target {
        Target::S3 => ("$RESTIC_BUCKET/others", ""),
        Target::Local | Target::Nfs => ("$OUT/backup", "; sync -f $OUT"),
    };
    let needs: &[_] = match source {
        Source::Qcow2 => &["nbdcopy", "qemu-nbd", "restic"],
        Source::Ceph => &["rbd", "restic"],
    };
    let restic = format!("RESTIC_PASSWORD=x restic -q --no-cache -r {repository}");
    Contender {
        name: "`restic backup --stdin` (encrypts, finds duplicates)",
        needs,
        prepare: format!("{restic} init"),
        script: format!("{} | {restic} backup --stdin{flush}", read(source)),
        once: true,
        streams: true,
        stores: true,
        ..Contender::default()
    }
}

/// QEMU's name of what the volume lies in.
fn format(source: Source) -> &'static str {
    match source {
        Source::Qcow2 => "qcow2",
        Source::Ceph => "raw",
    }
}
