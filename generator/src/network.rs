//! Addresses, rules and VPN users.

use cloudtally_model::{Instant, Millis, UsageTypeId};

use crate::{
    accounts::SYSTEM_ACCOUNT,
    dice::{Dice, Subject},
    rows::{Happening, Label, LineId, Name, Row},
    stage::{Stage, ZONES, zone_number},
    timeline::{Key, Meaning},
};

/// Number of the first of each kind that are released for certain, so that a small
/// history has every event type.
const CERTAIN: u32 = 3;

const HOUR_MS: i64 = 3_600_000;

/// The `index`th address: one tenant after another.
pub(crate) fn address(stage: &mut Stage<'_>, index: u32) {
    let mut dice = Dice::new(stage.options.seed, Subject::Address, index);
    let id = stage.ids.address.next();
    let is_portable = index == 1 || (index >= CERTAIN && dice.one_in(10));
    let (assign, release) = if is_portable {
        (Happening::PortableAssign, Happening::PortableRelease)
    } else {
        (Happening::AddressAssign, Happening::AddressRelease)
    };
    let zone = dice.pick(&ZONES);
    let line = stage.rows.line(UsageTypeId::IP_ADDRESS, id, 0);
    let window = stage.moments.window;
    let mut account = stage.accounts.some_active(&mut dice);
    let certain = index < CERTAIN;
    let begin = if certain {
        Some(window.at(1, 20))
    } else {
        let wait = Millis(dice.below_ms(window.end.since(window.start).0));
        stage.moments.after(&mut dice, window.start, wait)
    };
    let Some(mut at) = begin else { return };
    loop {
        let (is_source_nat, is_system) = (dice.one_in(4), dice.one_in(12));
        let label = if dice.one_in(8) { "DirectAttached" } else { "VirtualNetwork" };
        let columns = Row {
            name: Name::Address(id),
            template: Some(u32::from(is_system)),
            size: Some(u64::from(is_source_nat)),
            label: Label::Of(label),
            ..Row::new(assign, at, account, zone_number(zone), id)
        };
        stage.rows.write(columns, &[(line, Meaning::Begin(Key::of(account, zone)))]);

        let released = if certain && at == window.at(1, 20) {
            Some(window.at(1, 2))
        } else if dice.one_in(3) {
            None
        } else {
            let stay = Millis(HOUR_MS * 2 + dice.below_ms(HOUR_MS * 24 * 12));
            stage.moments.after(&mut dice, at, stay)
        };
        let Some(released) = released else { return };
        // Now and then the cloud itself takes an address back: a close by another
        // account than the opener's, which closes all the same.
        let by = if dice.one_in(30) { SYSTEM_ACCOUNT } else { account };
        let row = Row { happening: release, created: released, account: by, ..columns };
        stage.rows.write(row, &[(line, Meaning::End)]);

        // The next tenant: at once, or after a while.
        account = stage.accounts.another(&mut dice, account);
        let pause = Millis(if dice.one_in(4) { 0 } else { dice.below_ms(HOUR_MS * 24 * 6) });
        let next = if pause.0 == 0 {
            Some(released)
        } else {
            stage.moments.after(&mut dice, released, pause)
        };
        match next {
            Some(next) if dice.one_in(2) || pause.0 == 0 => at = next,
            _ => return,
        }
    }
}

/// A thing that one event opens and another closes, whose number is its key.
struct Simple {
    usage_type: UsageTypeId,
    opens: Happening,
    closes: Happening,
    subject: Subject,
    closing_zone: ClosingZone,
}

enum ClosingZone {
    /// The closing event always says zone 0.
    Zero,
    Same,
}

/// The `index`th load balancer rule; its closing event says zone 0.
pub(crate) fn load_balancer_rule(stage: &mut Stage<'_>, index: u32) {
    let kind = Simple {
        usage_type: UsageTypeId::LOAD_BALANCER_RULE,
        opens: Happening::LoadBalancerCreate,
        closes: Happening::LoadBalancerDelete,
        subject: Subject::LoadBalancer,
        closing_zone: ClosingZone::Zero,
    };
    let id = stage.ids.rule.next();
    simple(stage, &kind, index, id, Name::None);
}

/// The `index`th port forwarding rule; some are static NAT rules, whose zone is 0
/// from the beginning.
pub(crate) fn port_forwarding_rule(stage: &mut Stage<'_>, index: u32) {
    let kind = Simple {
        usage_type: UsageTypeId::PORT_FORWARDING_RULE,
        opens: Happening::RuleAdd,
        closes: Happening::RuleDelete,
        subject: Subject::PortForwarding,
        closing_zone: ClosingZone::Zero,
    };
    let id = stage.ids.rule.next();
    simple(stage, &kind, index, id, Name::None);
}

/// The `index`th VPN user: no zone, and may be added again under the same number
/// (remote access torn down and set up).
pub(crate) fn vpn_user(stage: &mut Stage<'_>, index: u32) {
    let kind = Simple {
        usage_type: UsageTypeId::VPN_USER,
        opens: Happening::VpnUserAdd,
        closes: Happening::VpnUserRemove,
        subject: Subject::VpnUser,
        closing_zone: ClosingZone::Same,
    };
    let id = stage.ids.vpn_user.next();
    simple(stage, &kind, index, id, Name::VpnUser(id));
}

fn simple(stage: &mut Stage<'_>, kind: &Simple, index: u32, id: u32, name: Name) {
    let mut dice = Dice::new(stage.options.seed, kind.subject, index);
    let is_vpn = kind.opens == Happening::VpnUserAdd;
    let is_static_nat = kind.opens == Happening::RuleAdd && (index == 1 || dice.one_in(6));
    let zone = if is_vpn || is_static_nat { 0 } else { dice.pick(&ZONES) };
    let line = stage.rows.line(kind.usage_type, id, 0);
    let window = stage.moments.window;

    // Former accounts own some of these, closed by four fifths of the window.
    let former = &stage.accounts.former;
    if (CERTAIN..CERTAIN + 12).contains(&index) && !former.is_empty() {
        let account = former[dice.index(former.len())];
        let opened = window.at(i64::from(index), 40);
        let closed = window.at(i64::from(index) + 10, 40);
        stretch(stage, kind, (line, id, name), (account, zone), (opened, Some(closed)));
        return;
    }

    let account = stage.accounts.some_active(&mut dice);
    if index < CERTAIN {
        let (opened, closed) = (window.at(1, 10), window.at(6, 10));
        stretch(stage, kind, (line, id, name), (account, zone), (opened, Some(closed)));
        return;
    }
    let wait = Millis(dice.below_ms(window.end.since(window.start).0));
    let mut opened = stage.moments.after(&mut dice, window.start, wait);
    while let Some(from) = opened {
        let stay = Millis(dice.below_ms(HOUR_MS * 24 * 20) + 1_000);
        let closed = if dice.one_in(3) { None } else { stage.moments.after(&mut dice, from, stay) };
        stretch(stage, kind, (line, id, name), (account, zone), (from, closed));
        // Rules are never reused; VPN users are, sometimes in the same second.
        opened = match closed {
            Some(closed) if is_vpn && dice.one_in(4) => Some(closed),
            Some(closed) if is_vpn && dice.one_in(3) => {
                stage.moments.after(&mut dice, closed, Millis(HOUR_MS * 5))
            }
            _ => None,
        };
    }
}

fn stretch(
    stage: &mut Stage<'_>,
    kind: &Simple,
    (line, id, name): (LineId, u32, Name),
    (account, zone): (u32, u32),
    (opened, closed): (Instant, Option<Instant>),
) {
    let number = zone_number(zone);
    let row = Row { name, ..Row::new(kind.opens, opened, account, number, id) };
    stage.rows.write(row, &[(line, Meaning::Begin(Key::of(account, zone)))]);
    if let Some(closed) = closed {
        let zone = match kind.closing_zone {
            ClosingZone::Zero => 0,
            ClosingZone::Same => number,
        };
        let row = Row { name, ..Row::new(kind.closes, closed, account, zone, id) };
        stage.rows.write(row, &[(line, Meaning::End)]);
    }
}
