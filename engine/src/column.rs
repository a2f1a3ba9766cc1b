//! Columns: the attributes that are stored, as constants with a name and a type.
//!
//! A column is declared once, by [`columns!`], and read and written through its constant: a
//! misspelt one is an unknown name, and one read as another type does not compile. The name
//! is the field's name in the API; kinds that store it under that name share the constant.
//!
//! Resources keep their attributes by [`ColumnKey`], a hash of the name that the build computes,
//! so that no text is compared when an attribute is read. The tables' tests show that no two
//! names have one key, and that every kind which stores a name stores it as that type.

use std::{fmt, marker::PhantomData};

use cloudtally_model::{Instant, Text, port::Value};

use super::ResourceId;

/// The key of a column: the FNV-1a hash of its name, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnKey(u32);

impl ColumnKey {
    /// The key of a name.
    pub const fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash: u32 = 0x811c_9dc5;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        Self(hash)
    }

    /// Compares two keys where the build does.
    pub const fn is(self, other: Self) -> bool {
        self.0 == other.0
    }
}

/// A column of values of type `T`.
pub struct Column<T> {
    name: &'static str,
    key: ColumnKey,
    holds: PhantomData<fn() -> T>,
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Column<T> {}

impl<T> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: Stored> Column<T> {
    /// Declares a column; use [`columns!`], which also lists it for the tests.
    pub const fn declare(name: &'static str) -> Self {
        Self { name, key: ColumnKey::of(name), holds: PhantomData }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Its key.
    pub const fn key(self) -> ColumnKey {
        self.key
    }
}

/// A column that refers to other resources: to one or to several.
#[derive(Clone, Copy, Debug)]
pub struct Reference(ColumnKey);

impl Reference {
    /// Its key.
    pub const fn key(self) -> ColumnKey {
        self.0
    }
}

impl Column<ResourceId> {
    /// The column as a reference, for the rows of kinds.
    pub const fn reference(self) -> Reference {
        Reference(self.key)
    }
}

impl Column<Vec<ResourceId>> {
    /// The column as a reference, for the rows of kinds.
    pub const fn reference(self) -> Reference {
        Reference(self.key)
    }
}

impl From<Column<ResourceId>> for Reference {
    fn from(column: Column<ResourceId>) -> Self {
        column.reference()
    }
}

impl From<Column<Vec<ResourceId>>> for Reference {
    fn from(column: Column<Vec<ResourceId>>) -> Self {
        column.reference()
    }
}

/// The types a column can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Flag,
    /// The number of another resource.
    Ref,
    /// The numbers of other resources.
    Refs,
    /// Texts in order.
    Texts,
    /// A moment.
    Time,
    /// Keys and values.
    Map,
    /// A whole answer, as a job keeps it.
    Any,
}

/// A type that a column can have; closed, as the stored form is.
pub trait Stored {
    /// The word for it.
    const TYPE: ColumnType;
}

/// Keys and values.
pub type Pairs = Vec<(Text, Text)>;

macro_rules! stored {
    ($($type:ty => $word:ident),* $(,)?) => {
        $(impl Stored for $type {
            const TYPE: ColumnType = ColumnType::$word;
        })*
    };
}

stored! {
    Text => Text,
    i64 => Int,
    bool => Flag,
    ResourceId => Ref,
    Vec<ResourceId> => Refs,
    Vec<Text> => Texts,
    Instant => Time,
    Pairs => Map,
    Value => Any,
}

/// Declares columns, one a line: `HOST_ID: ResourceId = "hostid";`, and `ALL`, the list of
/// them with their types.
#[macro_export]
macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident: $type:ty = $name:literal;)*) => {
        $(
            $(#[$doc])*
            #[doc = concat!("The column `", $name, "`, of type `", stringify!($type), "`.")]
            pub const $column: $crate::Column<$type> =
                $crate::Column::declare($name);
        )*

        /// The names of all columns of this module, with their types.
        pub const ALL: &[(&str, $crate::ColumnType)] =
            &[$(($name, <$type as $crate::Stored>::TYPE)),*];
    };
}
