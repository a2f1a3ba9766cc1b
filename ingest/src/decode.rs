//! From the values of a row to the row: the way back from `table`.
//!
//! Each function takes the values in the order of its table's columns; in debug
//! builds a column of another kind or need stops it.

use cloudtally_model::{
    Account, AccountType, DeviceType, Instant, NetworkId, NetworkSample, SeriesKey, UsageEvent,
    ZoneId,
};

use cloudtally_store::{EventTable, SampleTable};

use crate::{
    parquet::ColumnFields,
    rows::Rows,
    table::Row,
    value::{Fields, Reason, Values},
};

/// A row that can be made from values.
pub(crate) trait Decode: Row {
    /// Many of them.
    type Table: Rows<Self>;

    fn decode<V: Values>(values: &V) -> Result<Self, Reason>;

    /// Decodes many rows a column at a time: the same as [`Decode::decode`] makes of
    /// each of them, but for those in doubt, which are left to it.
    fn decode_columns(next: &mut ColumnFields<'_>) -> Self::Table;

    /// The instant by which the row is billed, and the name of its column.
    fn billed_at(&self) -> Option<(&'static str, Instant)>;
}

impl Decode for UsageEvent {
    type Table = EventTable;

    fn decode<V: Values>(values: &V) -> Result<Self, Reason> {
        event(&mut Fields::new(values, Self::columns()))
    }

    fn decode_columns(next: &mut ColumnFields<'_>) -> EventTable {
        EventTable {
            id: next.unsigned(),
            event_type: next.event_type(),
            created: next.billed_at(),
            account: next.unsigned(),
            zone: next.zone(),
            resource: next.unsigned(),
            resource_name: next.names_if_any(),
            offering: next.unsigned_if_any(),
            template: next.unsigned_if_any(),
            size: next.unsigned_if_any(),
            virtual_size: next.unsigned_if_any(),
            resource_type: next.words_if_any(),
        }
    }

    fn billed_at(&self) -> Option<(&'static str, Instant)> {
        Some(("created", self.created))
    }
}

/// Takes the values of an event, which are the first of every row that has one.
pub(crate) fn event<V: Values, T>(next: &mut Fields<'_, V, T>) -> Result<UsageEvent, Reason> {
    Ok(UsageEvent {
        id: next.unsigned()?.into(),
        event_type: next.event_type()?,
        created: next.instant()?,
        account: next.unsigned()?.into(),
        zone: ZoneId::from_source(next.signed()?),
        resource: next.unsigned()?.into(),
        resource_name: next.text_if_any()?,
        offering: next.unsigned_if_any()?.map(Into::into),
        template: next.unsigned_if_any()?.map(Into::into),
        size: next.unsigned_if_any()?,
        virtual_size: next.unsigned_if_any()?,
        resource_type: next.text_if_any()?,
    })
}

impl Decode for NetworkSample {
    type Table = SampleTable;

    fn decode<V: Values>(values: &V) -> Result<Self, Reason> {
        let mut next = Fields::new(values, Self::columns());
        let sampled = next.instant()?;
        let account = next.unsigned()?.into();
        let zone = ZoneId::from_source(next.signed()?);
        let device = next.unsigned()?;
        let device_type =
            next.text_if_any()?.map_or(DeviceType::Unknown, |name| DeviceType::from_name(&name));
        let network = next.unsigned_if_any()?.map_or(NetworkId(0), NetworkId);
        let (bytes_sent, bytes_received) = (next.unsigned()?, next.unsigned()?);
        let address = next.text_if_any()?;
        let restarted = next.flag()?;
        let series = SeriesKey { account, zone, device_type, device, network, address };
        Ok(Self { sampled, series, bytes_sent, bytes_received, restarted })
    }

    fn decode_columns(next: &mut ColumnFields<'_>) -> SampleTable {
        let (sampled, account, zone) = (next.billed_at(), next.unsigned(), next.zone());
        let (device, device_type) = (next.unsigned(), next.words_or_empty());
        let network = next.unsigned_or_zero();
        let (sent, received) = (next.unsigned(), next.unsigned());
        let (address, restarted) = (next.names_if_any(), next.flags());
        SampleTable {
            sampled,
            account,
            zone,
            device_type,
            device,
            network,
            address,
            sent,
            received,
            restarted,
        }
    }

    fn billed_at(&self) -> Option<(&'static str, Instant)> {
        Some(("sampled", self.sampled))
    }
}

impl Decode for Account {
    type Table = Vec<Account>;

    fn decode<V: Values>(values: &V) -> Result<Self, Reason> {
        let mut next = Fields::new(values, Self::columns());
        let account = Self {
            id: next.unsigned()?.into(),
            name: next.text()?,
            uuid: next.text_if_any()?,
            account_type: next.unsigned_if_any()?.map(AccountType::from_number),
            domain: next.unsigned_if_any()?.map(Into::into),
            domain_path: next.text_if_any()?,
            state: next.text_if_any()?,
            created: next.instant_if_any()?,
            removed: next.instant_if_any()?,
        };
        // Usage ends at `removed`: believed, such a row would make all of it free.
        match (account.created, account.removed) {
            (Some(created), Some(removed)) if removed < created => Err(format!(
                "column `removed`: `{removed}` lies before `created`, `{created}`; \
                 correct one of them, or leave both empty"
            )),
            _ => Ok(account),
        }
    }

    /// Accounts are few and have a rule over two columns.
    fn decode_columns(next: &mut ColumnFields<'_>) -> Vec<Self> {
        next.doubt_all();
        Vec::new()
    }

    fn billed_at(&self) -> Option<(&'static str, Instant)> {
        None
    }
}
