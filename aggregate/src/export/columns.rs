//! The columns of an export: one table that drives all formats. A column has a name, a
//! type and a way to take its value from a [`Line`].

use std::sync::Arc;

use cloudtally_model::Instant;

use crate::line::Line;

/// The value of one column of one line.
pub(super) enum Cell<'a> {
    Absent,
    Text(&'a str),
    Number(u64),
    Flag(bool),
    Date(&'a (Instant, Arc<str>)),
    /// A number with up to six decimals, as text.
    Decimal(&'a str),
}

/// A column of an export.
pub(super) struct ExportColumn {
    pub(super) name: &'static str,
    pub(super) column_type: ColumnType,
    pub(super) value: for<'a> fn(&'a Line, &'a mut String) -> Cell<'a>,
}

/// The type of a column, in formats that have types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Text,
    Number,
    Flag,
    Date,
    Decimal,
}

fn number(value: Option<u64>) -> Cell<'static> {
    value.map_or(Cell::Absent, Cell::Number)
}

/// An id is text: a number of an imported cloud, a uuid of our own, and nothing
/// anybody adds up.
fn id(value: Option<u64>, buffer: &mut String) -> Cell<'_> {
    let Some(number) = value else { return Cell::Absent };
    buffer.clear();
    buffer.push_str(&number.to_string());
    Cell::Text(buffer)
}

fn flag(value: Option<bool>) -> Cell<'static> {
    value.map_or(Cell::Absent, Cell::Flag)
}

fn text(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Absent, Cell::Text)
}

macro_rules! columns {
    ($($name:literal $type:ident |$line:ident, $buffer:ident| $value:expr;)*) => {
        &[$(ExportColumn {
            name: $name,
            column_type: ColumnType::$type,
            value: |$line, $buffer| $value,
        }),*]
    };
}

/// All columns, in order.
pub(super) const COLUMNS: &[ExportColumn] = columns! {
    "recordid" Text |l, b| { b.clear(); b.push_str(&l.record_id.to_string()); Cell::Text(b) };
    "startdate" Date |l, _b| Cell::Date(&l.start);
    "enddate" Date |l, _b| Cell::Date(&l.end);
    "usagetype" Number |l, _b| Cell::Number(u64::from(l.usage_type.0));
    "account" Text |l, _b| Cell::Text(&l.account);
    "accountid" Text |l, b| id(Some(l.account_id), b);
    "domainid" Text |l, b| id(l.domain_id, b);
    "zoneid" Text |l, b| id(l.zone_id, b);
    "description" Text |l, _b| Cell::Text(&l.description);
    "usage" Text |l, _b| Cell::Text(&l.usage);
    "rawusage" Decimal |l, _b| Cell::Decimal(&l.raw_usage);
    "quantity" Number |l, _b| Cell::Number(l.quantity);
    "unit" Text |l, _b| Cell::Text(l.unit);
    "usageid" Text |l, b| id(l.usage_id, b);
    "virtualmachineid" Text |l, b| id(l.virtual_machine_id, b);
    "name" Text |l, _b| text(l.name.as_deref());
    "offeringid" Text |l, b| id(l.offering_id, b);
    "templateid" Text |l, b| id(l.template_id, b);
    "type" Text |l, _b| text(l.resource_type.as_deref());
    "size" Number |l, _b| number(l.size);
    "virtualsize" Number |l, _b| number(l.virtual_size);
    "networkid" Text |l, b| id(l.network_id, b);
    "nicid" Text |l, b| id(l.nic_id, b);
    "issourcenat" Flag |l, _b| flag(l.is_source_nat);
    "iselastic" Flag |l, _b| flag(l.is_elastic);
    "isdefault" Flag |l, _b| flag(l.is_default);
    "generation" Number |l, _b| Cell::Number(u64::from(l.generation));
    "source" Text |l, _b| Cell::Text(l.source.as_str());
};

/// The names of the export's columns, in order.
pub fn export_columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_the_order_finance_teams_rely_on() {
        let names: Vec<&str> = export_columns().collect();
        assert_eq!(
            names.join(", "),
            "recordid, startdate, enddate, usagetype, account, accountid, domainid, zoneid, \
             description, usage, rawusage, quantity, unit, usageid, virtualmachineid, name, \
             offeringid, templateid, type, size, virtualsize, networkid, nicid, issourcenat, \
             iselastic, isdefault, generation, source"
        );
    }
}
