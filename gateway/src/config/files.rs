//! Files that a config names and that were read with it: their contents are a part of
//! what the config means.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// SHA-256 of contents.
pub type Digest = [u8; 32];

/// The files and what they held, in the order in which they were first read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(Vec<(PathBuf, Digest)>);

impl Files {
    /// Notes what a file held. Of two readings the last one counts.
    pub fn add(&mut self, path: &Path, contents: &[u8]) {
        let digest = Sha256::digest(contents).into();
        match self.0.iter_mut().find(|(known, _)| known == path) {
            Some((_, old)) => *old = digest,
            None => self.0.push((path.to_owned(), digest)),
        }
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    pub fn digest_of(&self, path: &Path) -> Option<Digest> {
        self.0.iter().find(|(known, _)| known == path).map(|(_, digest)| *digest)
    }
}
