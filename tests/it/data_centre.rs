//! A data centre deployed, used and torn down through the API alone, by a client
//! that is not ours; the client's side is `data_centre.py`.

use crate::{
    api::{API_KEY, SECRET_KEY, Serving},
    support::{Client, Cloudtally, with_client},
};

const SCRIPT: &str = include_str!("data_centre.py");

#[test]
fn is_deployed_used_by_its_tenants_and_torn_down_by_an_unmodified_client() {
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    let serving = Serving::start_with(
        &cloudtally,
        // The clock moves when the script says so.
        &["--empty", "--seed", "7", "--clock", "sim", "--speed", "0"],
        &[("CLOUDTALLY_ADMIN_API_KEY", API_KEY), ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY)],
    );
    let endpoint = format!("http://{}/client/api", serving.address());
    let Some(said) = with_client(Client::Cs, SCRIPT, &[&endpoint, API_KEY, SECRET_KEY]) else {
        return;
    };
    assert_eq!(said, "done\n");
    serving.signal("-TERM");
    cloudtally.ok(&["check"]);
}
