//! The columns of an export: one table that drives all formats. A column has a name, a
//! type and a way to take its value from an [`ExportRow`].

use std::sync::Arc;

use cloudtally_model::{Instant, write_millionths};

use super::row::ExportRow;

/// The value of one column of one record.
pub(super) enum Cell<'a> {
    Absent,
    Text(&'a str),
    Number(u64),
    /// A number that may be negative.
    Signed(i64),
    Flag(bool),
    Date(&'a (Instant, Arc<str>)),
    /// A number with up to six decimals, in millionths.
    Decimal(i128),
}

/// A column of an export.
pub(super) struct ExportColumn {
    pub(super) name: &'static str,
    pub(super) column_type: ColumnType,
    pub(super) value: for<'a> fn(&'a ExportRow<'a>, &'a mut String) -> Cell<'a>,
}

/// The type of a column, in formats that have types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Text,
    /// Text that is another one in each record.
    Id,
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
    buffer.push_str(itoa::Buffer::new().format(number));
    Cell::Text(buffer)
}

fn flag(value: Option<bool>) -> Cell<'static> {
    value.map_or(Cell::Absent, Cell::Flag)
}

fn text(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Absent, Cell::Text)
}

fn written(buffer: &mut String, write: impl FnOnce(&mut String)) -> Cell<'_> {
    buffer.clear();
    write(buffer);
    Cell::Text(buffer)
}

macro_rules! columns {
    ($($name:literal $type:ident |$row:ident, $buffer:ident| $value:expr;)*) => {
        &[$(ExportColumn {
            name: $name,
            column_type: ColumnType::$type,
            value: |$row, $buffer| $value,
        }),*]
    };
}

/// All columns, in order.
pub(super) const COLUMNS: &[ExportColumn] = columns! {
    "recordid" Id |r, b| written(b, |b| r.id.write(b));
    "startdate" Date |r, _b| Cell::Date(&r.start);
    "enddate" Date |r, _b| Cell::Date(&r.end);
    "usagetype" Number |r, _b| Cell::Number(u64::from(r.record.usage_type.0));
    "account" Text |r, b| match r.account {
        Some(account) => Cell::Text(&account.name),
        None => id(Some(r.record.account.0), b),
    };
    "accountid" Text |r, b| id(Some(r.record.account.0), b);
    "domainid" Text |r, b| id(r.account.and_then(|a| a.domain).map(|d| d.0), b);
    "zoneid" Text |r, b| id(r.record.zone.number(), b);
    "description" Text |r, b| written(b, |b| r.record.describe(b));
    "usage" Text |r, b| written(b, |b| {
        write_millionths(r.record.millionths(), b);
        b.push(' ');
        b.push_str(r.record.unit_shown());
    });
    "rawusage" Decimal |r, _b| Cell::Decimal(r.record.millionths());
    "quantity" Number |r, _b| Cell::Signed(r.record.quantity);
    "unit" Text |r, _b| Cell::Text(r.row.unit.name());
    "usageid" Text |r, b| id(r.record.usage_id(), b);
    "virtualmachineid" Text |r, b| id(r.record.virtual_machine_id(), b);
    "name" Text |r, _b| text(r.record.shown_name());
    "offeringid" Text |r, b| id(r.record.offering.map(|offering| offering.0), b);
    "templateid" Text |r, b| id(r.record.template.map(|template| template.0), b);
    "type" Text |r, _b| text(r.record.resource_type);
    "size" Number |r, _b| number(r.record.size);
    "virtualsize" Number |r, _b| number(r.record.virtual_size);
    "networkid" Text |r, b| id(r.record.network_id(), b);
    "nicid" Text |r, b| id(r.record.nic_id(), b);
    "issourcenat" Flag |r, _b| flag(r.record.is_source_nat);
    "iselastic" Flag |r, _b| flag(r.record.is_elastic);
    "isdefault" Flag |r, _b| flag(r.record.is_default);
    "generation" Number |r, _b| Cell::Number(u64::from(r.generation));
    "source" Text |r, _b| Cell::Text(r.source.as_str());
    "corrects" Date |r, _b| r.corrects.as_ref().map_or(Cell::Absent, Cell::Date);
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
             iselastic, isdefault, generation, source, corrects"
        );
    }
}
