//! The files of the web panel as `npm run build` left them in `dist/`, inside this library. None, where
//! it was not run: then the panel is not in this build.

use std::borrow::Cow;

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "dist/"]
#[allow_missing = true]
struct Dist;

/// Every file: its path below `dist/`, and what is in it.
pub fn files() -> impl Iterator<Item = (String, Cow<'static, [u8]>)> {
    Dist::iter().filter_map(|path| Some((path.to_string(), Dist::get(&path)?.data)))
}
