//! From the values of a row to the row: the way back from `table`.
//!
//! Each function takes the values in the order of its table's columns; in debug
//! builds a column of another kind or need stops it.

use cloudtally_model::{
    Account, AccountType, DeviceType, NetworkId, NetworkSample, SeriesKey, UsageEvent, ZoneId,
};

use crate::{
    table::Row,
    value::{Fields, Reason, Values},
};

/// A row that can be made from values.
pub(crate) trait Decode: Row {
    fn decode<V: Values>(values: &V) -> Result<Self, Reason>;
}

impl Decode for UsageEvent {
    fn decode<V: Values>(values: &V) -> Result<Self, Reason> {
        let mut next = Fields::new(values, Self::columns());
        Ok(Self {
            id: next.unsigned()?.into(),
            event_type: next.text()?,
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
}

impl Decode for NetworkSample {
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
        let series = SeriesKey { account, zone, device_type, device, network, address };
        Ok(Self { sampled, series, bytes_sent, bytes_received, restarted: false })
    }
}

impl Decode for Account {
    fn decode<V: Values>(values: &V) -> Result<Self, Reason> {
        let mut next = Fields::new(values, Self::columns());
        Ok(Self {
            id: next.unsigned()?.into(),
            name: next.text()?,
            uuid: next.text_if_any()?,
            account_type: next.unsigned_if_any()?.map(AccountType::from_number),
            domain: next.unsigned_if_any()?.map(Into::into),
            domain_path: next.text_if_any()?,
            state: next.text_if_any()?,
            created: next.instant_if_any()?,
            removed: next.instant_if_any()?,
        })
    }
}
