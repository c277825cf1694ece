//! The directories of an export: creating, listing and removing what lies in them.

use bytes::Bytes;
use nfs_rs::{Attr, DirectoryCookie, ReaddirplusEntry};

use super::{
    connection::{DIRECTORY, FILE, LINK, Mounted},
    failure::{Failure, Kind, Outcome},
};
use crate::{
    Error, Object, ObjectPath,
    path::{OUTERMOST, is_nothing},
};

const DIRECTORY_MODE: u32 = 0o700;
/// A writer may put a file where a directory is just being emptied, and the other way round.
const ATTEMPTS: usize = 16;

/// A handle and what it stands for.
pub(super) struct Found {
    pub(super) handle: Bytes,
    pub(super) kind: u32,
    pub(super) size_bytes: u64,
}

impl Found {
    fn new(handle: Bytes, attributes: &Attr) -> Self {
        Self {
            handle,
            kind: attributes.type_,
            size_bytes: attributes.filesize,
        }
    }
}

impl Mounted {
    /// What lies at a path below the directory, if anything.
    pub(super) async fn lookup(&self, path: &str) -> Outcome<Option<Found>> {
        let answer = self.lookup_path(path).await;
        if answer.as_ref().is_err_and(Failure::is_absent) {
            self.ensure_no_link(path).await?;
        }
        match Self::found(answer)? {
            Some(found) if found.kind == LINK => Err(link(path)),
            found => Ok(found),
        }
    }

    async fn lookup_path(&self, path: &str) -> Outcome<nfs_rs::ObjRes> {
        let path = path.to_owned();
        self.ask(|mount| async move { mount.lookup_path(&path).await })
            .await
    }

    /// Refuses a path on which there is a symbolic link: what lies behind it is not looked at, so that nothing is known
    /// to be absent there.
    async fn ensure_no_link(&self, path: &str) -> Outcome<()> {
        for (end, _) in path.match_indices('/') {
            let above = &path[..end];
            match Self::found(self.lookup_path(above).await)? {
                Some(found) if found.kind == LINK => return Err(link(above)),
                Some(_) => {}
                None => break,
            }
        }
        Ok(())
    }

    /// What lies in a directory under a name, if anything.
    pub(super) async fn lookup_in(&self, directory: &Bytes, name: &str) -> Outcome<Option<Found>> {
        let (directory, name) = (directory.clone(), name.to_owned());
        let answer = self
            .ask(|mount| async move { mount.lookup(directory, &name).await })
            .await;
        Self::found(answer)
    }

    fn found(answer: Outcome<nfs_rs::ObjRes>) -> Outcome<Option<Found>> {
        let object = match answer {
            Ok(object) => object,
            Err(failure) if failure.kind() == Kind::Absent => return Ok(None),
            Err(failure) => return Err(failure),
        };
        // Every answer to a lookup has the attributes; the library's type allows for others.
        let attributes = object.attr.unwrap_or_default();
        Ok(Some(Found::new(object.fh, &attributes)))
    }

    /// The file of an object.
    pub(super) async fn find_file(&self, path: &ObjectPath) -> Outcome<Found> {
        match self.lookup(path.as_str()).await? {
            Some(found) if found.kind == FILE => Ok(found),
            _ => {
                // A place without a marker may well be a new one.
                if !path.is_marker() {
                    self.ensure_used().await?;
                }
                Err(Error::NotFound { path: path.clone() }.into())
            }
        }
    }

    /// Refuses to believe a directory in which there is nothing at all. It never held an object, or
    /// the server's disk is not mounted, and it cannot tell what became of one.
    pub(super) async fn ensure_used(&self) -> Outcome<()> {
        let root = self
            .ask(|mount| async move { Ok(mount.getfh().await) })
            .await?;
        if !self.entries(&root).await?.is_empty() {
            return Ok(());
        }
        let reason = "the export's directory is empty: the server's disk may not be mounted";
        Err(Error::Unreachable {
            reason: reason.into(),
        }
        .into())
    }

    /// Whether there is nothing but what file systems bring, what tests leave, and the marker.
    pub(super) async fn is_vacant(&self) -> Outcome<bool> {
        let root = self
            .ask(|mount| async move { Ok(mount.getfh().await) })
            .await?;
        for entry in self.entries(&root).await? {
            let name = &entry.file_name;
            if name == OUTERMOST {
                let found = self.lookup_in(&root, name).await?;
                if let Some(found) = found
                    && (found.kind != DIRECTORY || !self.children(&found.handle).await?.is_empty())
                {
                    return Ok(false);
                }
            } else if !is_nothing(name) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The directory above an object, created as far as it is missing.
    pub(super) async fn ensure_parent(&self, path: &ObjectPath) -> Outcome<Bytes> {
        let depth = path.components().count() - 1;
        let mut directory = self
            .ask(|mount| async move { Ok(mount.getfh().await) })
            .await?;
        for component in path.components().take(depth) {
            directory = match self.lookup_in(&directory, component).await? {
                Some(found) => found.handle,
                None => self.make_directory(&directory, component).await?,
            };
        }
        Ok(directory)
    }

    async fn make_directory(&self, parent: &Bytes, name: &str) -> Outcome<Bytes> {
        let (directory, component) = (parent.clone(), name.to_owned());
        let made = self
            .ask(|mount| async move { mount.mkdir(directory, &component, DIRECTORY_MODE).await })
            .await;
        match made {
            Ok(made) => {
                ensure_mode(made.attr.as_ref(), DIRECTORY_MODE, name)?;
                Ok(made.fh)
            }
            Err(failure) if failure.kind() == Kind::Exists => {
                match self.lookup_in(parent, name).await? {
                    Some(found) => Ok(found.handle),
                    None => Err(failure),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    /// Objects at or below a prefix, without temporaries.
    pub(super) async fn list_objects(&self, prefix: &ObjectPath) -> Outcome<Vec<Object>> {
        let mut objects = Vec::new();
        let mut pending = Vec::new();
        pending.extend(
            self.lookup(prefix.as_str())
                .await?
                .map(|f| (prefix.clone(), f)),
        );
        while let Some((path, found)) = pending.pop() {
            match found.kind {
                FILE => objects.push(Object {
                    path,
                    size_bytes: found.size_bytes,
                }),
                DIRECTORY => {
                    for (name, child) in self.children(&found.handle).await? {
                        // A name that is no component is a temporary, or not ours.
                        pending.extend(path.join(&name).ok().map(|path| (path, child)));
                    }
                }
                _ => {}
            }
        }
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(objects)
    }

    /// Everything in a directory; nothing if it is gone.
    async fn children(&self, directory: &Bytes) -> Outcome<Vec<(String, Found)>> {
        let mut attempt = 1;
        let entries = loop {
            match self.entries(directory).await {
                Ok(entries) => break entries,
                Err(Failure::Nfs(error))
                    if error.is_bad_directory_cookie() && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(failure) => return self.unless_gone(failure).await.map(|()| Vec::new()),
            }
        };
        let mut children = Vec::with_capacity(entries.len());
        for entry in entries {
            let found = match &entry.attr {
                Some(attributes) if !entry.handle.is_empty() => {
                    Some(Found::new(entry.handle.clone(), attributes))
                }
                _ => self.lookup_in(directory, &entry.file_name).await?,
            };
            children.extend(found.map(|found| (entry.file_name, found)));
        }
        Ok(children)
    }

    async fn entries(&self, directory: &Bytes) -> Outcome<Vec<ReaddirplusEntry>> {
        let mut entries = Vec::new();
        let mut position = DirectoryCookie::default();
        loop {
            let directory = directory.clone();
            let page = self
                .ask(|mount| async move { mount.readdirplus_page(directory, position).await })
                .await?;
            entries.extend(page.entries);
            if page.eof {
                entries.retain(|entry| entry.file_name != "." && entry.file_name != "..");
                return Ok(entries);
            }
            position = page.next;
        }
    }

    /// Removes one file, and the directories that are empty without it.
    pub(super) async fn remove_file(&self, path: &str) -> Outcome<()> {
        let name = path.to_owned();
        let removed = self
            .ask(|mount| async move { mount.remove_path(&name).await })
            .await;
        match removed {
            Ok(()) => {}
            Err(failure) if failure.is_absent() => return self.ensure_no_link(path).await,
            // A directory with something in it is no object.
            Err(failure) if failure.kind() == Kind::NotEmpty => return Ok(()),
            Err(failure) => return Err(failure),
        }
        self.remove_empty_parents(path).await
    }

    /// Removes a file or a directory with all that is in it.
    pub(super) async fn remove_tree(&self, path: &ObjectPath) -> Outcome<()> {
        let parent = path
            .as_str()
            .rsplit_once('/')
            .map_or("", |(parent, _)| parent);
        let name = path.components().next_back().unwrap_or_default();
        let mut attempt = 1;
        loop {
            let parent = match parent {
                "" => Some(
                    self.ask(|mount| async move { Ok(mount.getfh().await) })
                        .await?,
                ),
                parent => self.lookup(parent).await?.map(|found| found.handle),
            };
            let Some(parent) = parent else {
                return Ok(());
            };
            let Some(found) = self.lookup_in(&parent, name).await? else {
                return self.remove_empty_parents(path.as_str()).await;
            };
            if found.kind == LINK {
                return Err(link(path.as_str()));
            }
            match self.remove_all(&parent, name, found).await {
                Ok(()) => return self.remove_empty_parents(path.as_str()).await,
                Err(failure) if failure.kind() == Kind::NotEmpty && attempt < ATTEMPTS => {
                    attempt += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Removes something and all below it, innermost first.
    async fn remove_all(&self, parent: &Bytes, name: &str, found: Found) -> Outcome<()> {
        /// A name to remove, once what is in it was removed.
        struct Doomed {
            parent: Bytes,
            name: String,
            found: Found,
            emptied: bool,
        }
        let mut pending = vec![Doomed {
            parent: parent.clone(),
            name: name.to_owned(),
            found,
            emptied: false,
        }];
        while let Some(mut doomed) = pending.pop() {
            if doomed.found.kind == DIRECTORY && !doomed.emptied {
                let directory = doomed.found.handle.clone();
                doomed.emptied = true;
                pending.push(doomed);
                let children = self.children(&directory).await?;
                pending.extend(children.into_iter().map(|(name, found)| Doomed {
                    parent: directory.clone(),
                    name,
                    found,
                    emptied: false,
                }));
                continue;
            }
            let removed = self
                .ask(|mount| async move { mount.remove(doomed.parent, &doomed.name).await })
                .await;
            if let Err(failure) = removed {
                self.unless_gone(failure).await?;
            }
        }
        Ok(())
    }

    /// Passes a failure on, unless it says that somebody else has removed what was asked for. A
    /// stale handle says so if the root's is not stale too.
    async fn unless_gone(&self, failure: Failure) -> Outcome<()> {
        use nfs_rs::{Nfs4ErrorCode::NFS4ERR_STALE, NfsError::Nfs4};
        if failure.kind() == Kind::Absent {
            return Ok(());
        }
        if !matches!(failure, Failure::Nfs(Nfs4(NFS4ERR_STALE))) {
            return Err(failure);
        }
        self.ask(|mount| async move { mount.getattr(mount.getfh().await).await })
            .await
            .map(drop)
    }

    /// Removes the directories above `path` that are empty now, but for the outermost: that it is
    /// there says that the destination is.
    pub(super) async fn remove_empty_parents(&self, path: &str) -> Outcome<()> {
        let mut path = path;
        while let Some((parent, _)) = path.rsplit_once('/')
            && parent.contains('/')
        {
            let name = parent.to_owned();
            let removed = self
                .ask(|mount| async move { mount.rmdir_path(&name).await })
                .await;
            match removed {
                Ok(()) => {}
                Err(failure) if failure.kind() == Kind::Absent => {}
                Err(failure) if failure.kind() == Kind::NotEmpty => return Ok(()),
                Err(failure) => return Err(failure),
            }
            path = parent;
        }
        Ok(())
    }
}

fn link(path: &str) -> Failure {
    let reason = format!("{path} is a symbolic link, and none is followed");
    Failure::Final(Error::Io {
        doing: "looking at a directory".into(),
        source: std::io::Error::other(reason),
    })
}

/// The library sets the mode after it created something, and only logs if that fails.
pub(super) fn ensure_mode(attributes: Option<&Attr>, mode: u32, name: &str) -> Outcome<()> {
    match attributes {
        Some(attributes) if attributes.file_mode & 0o777 != mode => Err(Error::Permission {
            doing: format!("setting the mode of {name} to {mode:o}"),
        }
        .into()),
        _ => Ok(()),
    }
}
