//! The numbers of resources, and the names the API has for them.

use std::fmt;

pub use cloudtally_model::ResourceId;

/// The id by which the API names a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

impl Uuid {
    /// Reads the usual form, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36).map(|u| Self(u.as_u128()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_u128(self.0).hyphenated().fmt(f)
    }
}
