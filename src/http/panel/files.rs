//! The files of the panel's build. A text file has compressed variants beside it, `NAME.br` and
//! `NAME.gz`: they are served in its place to whoever takes them, and not by their own names.

use std::{borrow::Cow, collections::HashMap};

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

use crate::http::media::range;

const INDEX: &str = "index.html";

/// The forms of a file, in the order in which they are preferred where a client takes several as gladly:
/// what its name ends with, and the name of the encoding.
const ENCODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

/// The files of a build, by their paths.
pub(super) struct Files(HashMap<String, File>);

/// A file.
pub(super) struct File {
    /// Its `Content-Type`.
    pub media_type: &'static str,
    plain: Variant,
    compressed: Vec<Variant>,
}

/// A file in one of its forms.
pub(super) struct Variant {
    /// Its `Content-Encoding`, if it has one.
    pub encoding: Option<&'static str>,
    /// Its `ETag`: another for each form.
    pub tag: HeaderValue,
    /// What is in it.
    pub bytes: Bytes,
}

impl Files {
    /// The files of a build: their paths, and what is in them.
    pub fn new(files: impl IntoIterator<Item = (String, Cow<'static, [u8]>)>) -> Self {
        let mut contents: HashMap<String, Bytes> = files
            .into_iter()
            .map(|(path, content)| (path, bytes(content)))
            .collect();
        let mut compressed: HashMap<String, Vec<Variant>> = HashMap::new();
        let paths: Vec<String> = contents.keys().cloned().collect();
        for (suffix, encoding) in ENCODINGS {
            for path in &paths {
                let Some(plain) = path.strip_suffix(suffix) else {
                    continue;
                };
                if let Some(bytes) = contents.remove(path) {
                    let variant = Variant::new(Some(encoding), bytes);
                    compressed
                        .entry(plain.to_owned())
                        .or_default()
                        .push(variant);
                }
            }
        }
        let file = |(path, content): (String, Bytes)| {
            let file = File {
                media_type: media_type(&path),
                plain: Variant::new(None, content),
                compressed: compressed.remove(&path).unwrap_or_default(),
            };
            (path, file)
        };
        Self(contents.into_iter().map(file).collect())
    }

    /// The file at `path`.
    pub fn find(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }

    /// The panel's page; `None` where the panel was not built.
    pub fn index(&self) -> Option<&File> {
        self.find(INDEX)
    }
}

impl File {
    /// The form that the client who sent `headers` likes best; plain, where it says nothing.
    pub fn variant(&self, headers: &HeaderMap) -> &Variant {
        let taken: Vec<(String, f32)> = headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(range)
            .collect();
        let quality = |encoding: &str| {
            let named = |name: &str| taken.iter().find(|(taken, _)| taken == name);
            named(encoding)
                .or_else(|| named("*"))
                .map_or(0.0, |(_, quality)| *quality)
        };
        let mut best = (&self.plain, 0.0);
        for variant in &self.compressed {
            let quality = variant.encoding.map_or(0.0, quality);
            if quality > best.1 {
                best = (variant, quality);
            }
        }
        best.0
    }
}

impl Variant {
    fn new(encoding: Option<&'static str>, bytes: Bytes) -> Self {
        let hash = blake3::hash(&bytes).to_hex();
        let tag = HeaderValue::from_str(&format!("\"{}\"", &hash[..32]));
        Self {
            encoding,
            // A hash is made of letters that a header takes.
            tag: tag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
            bytes,
        }
    }
}

fn bytes(content: Cow<'static, [u8]>) -> Bytes {
    match content {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }
}

/// What a file is, by the end of its name.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
