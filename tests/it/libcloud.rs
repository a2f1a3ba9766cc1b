//! A tenant's day through a second client that is not ours; its side is `libcloud.py`.

use crate::{
    api::{API_KEY, SECRET_KEY, Serving},
    support::{Client, Cloudtally, with_client},
};

const SCRIPT: &str = include_str!("libcloud.py");

#[test]
fn a_tenants_day_through_an_unmodified_libcloud() {
    let cloudtally = Cloudtally::new();
    let serving = Serving::start_with(
        &cloudtally,
        &["--seed", "3", "--clock", "sim", "--speed", "0"],
        &[("CLOUDTALLY_ADMIN_API_KEY", API_KEY), ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY)],
    );
    let (host, port) = (serving.address().ip().to_string(), serving.address().port().to_string());
    let arguments = [host.as_str(), &port, API_KEY, SECRET_KEY];
    let Some(said) = with_client(Client::Libcloud, SCRIPT, &arguments) else { return };
    assert_eq!(said, "done\n");
    serving.signal("-TERM");
    cloudtally.ok(&["check"]);
}
