//! The global configuration and the root admin's keys.

use std::collections::HashMap;

use cloudtally_model::{
    AggregationRange, Calendar,
    calendar::{RangeError, time_zone},
    settings::{
        self, AGGREGATION_RANGE, AGGREGATION_TIMEZONE, FILES_GROUP_READABLE, SETTINGS, Setting,
    },
};
use rusqlite::params;

use super::{AdminKeys, checksums, db::Db, load, sql};
use crate::{Store, StoreError, Writer};

impl Store {
    /// The value of a setting, or its default.
    pub fn setting(&self, name: &str) -> Result<String, StoreError> {
        value(&*self.db()?, row_of(name)?)
    }

    /// All settings with their values, by name.
    pub fn settings(&self) -> Result<Vec<(&'static Setting, String)>, StoreError> {
        let stored = self.db()?.rows(sql::settings::ALL_VALUES, [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut stored: HashMap<String, String> = stored.into_iter().collect();
        let value = |row: &'static Setting| {
            (row, stored.remove(row.name).unwrap_or_else(|| row.default.to_owned()))
        };
        Ok(SETTINGS.iter().map(value).collect())
    }

    /// Reads the calendar that cuts time into periods, from the two settings.
    pub fn calendar(&self) -> Result<Calendar, StoreError> {
        self.db()?.read(|db| {
            checksums::refuse_untrusted(db, checksums::OF_SETTINGS)?;
            calendar_of(db)
        })
    }

    /// The root admin's keys.
    pub fn admin_keys(&self) -> Result<Option<AdminKeys>, StoreError> {
        self.db()?.row(sql::settings::ADMIN_KEYS, [], |row| {
            Ok(AdminKeys { api_key: row.get(0)?, secret_key: row.get(1)? })
        })
    }
}

impl Writer {
    /// Sets a setting after checking it.
    ///
    /// # Errors
    /// `UnknownSetting`, `SettingValue`; `SettingFixed` for zone and range once a
    /// period is published (usage rules 2).
    pub fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let row = row_of(name)?;
        let value = value.trim();
        row.check(value).map_err(|reason| StoreError::SettingValue {
            name: name.to_owned(),
            value: value.to_owned(),
            reason,
        })?;
        self.db()?.write(|db| {
            let current = self::value(db, row)?;
            if current == value {
                return Ok(());
            }
            if matches!(row.name, AGGREGATION_TIMEZONE | AGGREGATION_RANGE)
                && let Some(published) =
                    db.row(sql::periods::ANY, [], |row| load::period(row, 0))?
            {
                let (name, value) = (name.to_owned(), value.to_owned());
                return Err(StoreError::SettingFixed { name, current, value, published });
            }
            db.execute(sql::settings::SET, params![row.name, value]).map(drop)
        })?;
        if row.name == FILES_GROUP_READABLE { self.apply_modes() } else { Ok(()) }
    }

    /// Stores the root admin's keys.
    pub fn set_admin_keys(&self, keys: &AdminKeys) -> Result<(), StoreError> {
        let params = params![keys.api_key, keys.secret_key];
        self.db()?.write(|db| db.execute(sql::settings::SET_ADMIN_KEYS, params).map(drop))
    }
}

/// Reads the calendar that cuts time, as a transaction sees it.
pub(crate) fn calendar_of(db: &Db) -> Result<Calendar, StoreError> {
    let zone = value(db, row_of(AGGREGATION_TIMEZONE)?)?;
    let range = value(db, row_of(AGGREGATION_RANGE)?)?;
    let zone = time_zone(&zone).map_err(|e| db.damaged(e.to_string()))?;
    let range: AggregationRange =
        range.parse().map_err(|e: RangeError| db.damaged(e.to_string()))?;
    Ok(Calendar::new(zone, range))
}

fn value(db: &Db, row: &'static Setting) -> Result<String, StoreError> {
    let stored = db.row(sql::settings::VALUE, params![row.name], |row| row.get(0))?;
    Ok(stored.unwrap_or_else(|| row.default.to_owned()))
}

fn row_of(name: &str) -> Result<&'static Setting, StoreError> {
    settings::setting(name)
        .ok_or_else(|| StoreError::UnknownSetting { name: name.to_owned(), hint: hint(name) })
}

/// The names nearest to `name`, or all of them.
fn hint(name: &str) -> String {
    let wanted = name.to_lowercase();
    let limit = wanted.chars().count() / 3;
    // A part of a name is as near as the name.
    let away = |name: &str| match wanted.len() > 2 && name.contains(wanted.as_str()) {
        true => 0,
        false => distance(&wanted, name),
    };
    let mut near: Vec<(usize, &str)> =
        SETTINGS.iter().map(|row| (away(row.name), row.name)).collect();
    let nearest = near.iter().map(|(away, _)| *away).min().unwrap_or(0);
    near.retain(|(away, _)| *away <= limit && *away <= 2 * nearest);
    near.sort_unstable();
    if near.is_empty() {
        let names: Vec<String> = SETTINGS.iter().map(|row| format!("`{}`", row.name)).collect();
        return format!("there are {}", names.join(", "));
    }
    let names: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    format!("did you mean {}?", names.join(" or "))
}

/// Counts the letters to insert, delete or replace that make `b` of `a` (edit distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_finds_its_neighbours() {
        assert_eq!(hint("usage.agregation.timezone"), "did you mean `usage.aggregation.timezone`?");
        assert_eq!(hint("page.size"), "did you mean `default.page.size`?");
        assert!(hint("x").starts_with("there are `"), "all of them");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
