//! Errors of the API: the documented codes, in one table each.
//!
//! An error is told with a status code and, except where the caller is not even
//! known, with a `cserrorcode` that names the class of what went wrong. The text
//! is for the caller; what only the operator may know goes to the log.
//!
//! # Source
//! Guide 4.2.10; statuses as the 4.2.1 server sends them.

use std::{error::Error, fmt};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $number:literal $text:literal),* $(,)?) => {
        /// The status of an error; the HTTP status equals the number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum ErrorCode { $($(#[$doc])* $name = $number),* }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The words of the status line: HTTP has other names for some, and none for most.
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

impl ErrorCode {
    /// The text for callers other than the root admin, of an error whose own may tell how
    /// the cloud is built; `None` if they may read its own.
    ///
    /// # Source
    /// The 4.2 server hides the texts of these three codes, too.
    pub const fn in_general_words(self) -> Option<&'static str> {
        match self {
            Self::Internal => {
                Some("Internal error executing command, please contact your system administrator")
            }
            Self::Capacity => Some(
                "Unable to execute the command due to insufficient capacity, please contact your system administrator",
            ),
            Self::Unavailable => Some(
                "Unable to execute the command because a resource is unavailable, please contact your system administrator",
            ),
            _ => None,
        }
    }
}

codes! {
    /// A request without a command.
    BadRequest 400 "Bad Request",
    /// The caller is not who may call this.
    Unauthorised 401 "Unauthorized",
    /// More calls than the interval allows.
    RateLimit 429 "Too Many Requests",
    /// A parameter whose name cannot be read.
    Malformed 430 "Malformed Parameter",
    /// A parameter that is missing or wrong.
    Parameter 431 "Parameter Error",
    /// There is no such command.
    UnknownCommand 432 "Unsupported Action",
    /// Our own failure, and failures nothing else names.
    Internal 530 "Internal Error",
    /// Something of another account, or no login.
    Account 531 "Account Error",
    /// The account has no more to give.
    AccountLimit 532 "Account Resource Limit Error",
    /// The cloud has no more to give.
    Capacity 533 "Insufficient Capacity Error",
    /// Something is not up.
    Unavailable 534 "Resource Unavailable Error",
    /// The thing cannot be allocated.
    Allocation 535 "Resource Allocation Error",
    /// The thing is in use.
    InUse 536 "Resource In Use Error",
    /// A rule collides with another.
    RuleConflict 537 "Network Rule Conflict Error",
}

impl ErrorCode {
    /// The number.
    pub const fn status(self) -> u16 {
        self as u16
    }

    /// The code of a number.
    pub fn from_status(status: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.status() == status)
    }
}

/// The value of `cserrorcode`: the class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsError(u16);

/// All classes of the guide's list with their numbers; a class the list has
/// twice has its first.
pub const CS_ERRORS: &[(u16, &str)] = &[
    (4250, "CloudRuntimeException"),
    (4255, "ExceptionUtil"),
    (4260, "ExecutionException"),
    (4265, "HypervisorVersionChangedException"),
    (4270, "RuntimeCloudException"),
    (4275, "CloudException"),
    (4280, "AccountLimitException"),
    (4285, "AgentUnavailableException"),
    (4290, "CloudAuthenticationException"),
    (4295, "CloudExecutionException"),
    (4300, "ConcurrentOperationException"),
    (4305, "ConflictingNetworkSettingsException"),
    (4310, "DiscoveredWithErrorException"),
    (4315, "HAStateException"),
    (4320, "InsufficientAddressCapacityException"),
    (4325, "InsufficientCapacityException"),
    (4330, "InsufficientNetworkCapacityException"),
    (4335, "InsufficientServerCapacityException"),
    (4340, "InsufficientStorageCapacityException"),
    (4345, "InternalErrorException"),
    (4350, "InvalidParameterValueException"),
    (4355, "ManagementServerException"),
    (4360, "NetworkRuleConflictException"),
    (4365, "PermissionDeniedException"),
    (4370, "ResourceAllocationException"),
    (4375, "ResourceInUseException"),
    (4380, "ResourceUnavailableException"),
    (4385, "StorageUnavailableException"),
    (4390, "UnsupportedServiceException"),
    (4395, "VirtualMachineMigrationException"),
    (4435, "ConnectionException"),
    (4445, "DiscoveryException"),
    (4480, "InsufficientVirtualNetworkCapacityException"),
    (4540, "AsyncCommandQueued"),
    (4545, "RequestLimitException"),
    (9999, "ServerApiException"),
];

impl CsError {
    /// Raised by the API layer itself.
    pub const SERVER_API: Self = Self::of("ServerApiException");

    /// The class of this name.
    ///
    /// # Panics
    /// If there is none; in a const this stops the build.
    pub const fn of(class: &str) -> Self {
        let class = class.as_bytes();
        let mut at = 0;
        while at < CS_ERRORS.len() {
            let name = CS_ERRORS[at].1.as_bytes();
            let mut same = name.len() == class.len();
            let mut byte = 0;
            while same && byte < name.len() {
                same = name[byte] == class[byte];
                byte += 1;
            }
            if same {
                return Self(CS_ERRORS[at].0);
            }
            at += 1;
        }
        panic!("no such class of errors")
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// An error as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The status.
    pub code: ErrorCode,
    /// The class; left out for 400, 401 and failed logins.
    pub cs: Option<CsError>,
    /// The fault, its value and the remedy.
    pub text: String,
    /// Uuids of things the text speaks of, each with the parameter that named it.
    pub uuids: Vec<(String, &'static str)>,
    /// Seconds after which another try makes sense, where that is known.
    pub retry_after: Option<u64>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for ApiError {}

macro_rules! raise {
    ($($(#[$doc:meta])* $name:ident $code:ident $class:literal),* $(,)?) => { $(
        $(#[$doc])*
        pub fn $name(text: impl Into<String>) -> Self {
            const CS: CsError = CsError::of($class);
            Self::new(ErrorCode::$code, Some(CS), text)
        }
    )* };
}

impl ApiError {
    fn new(code: ErrorCode, cs: Option<CsError>, text: impl Into<String>) -> Self {
        Self { code, cs, text: text.into(), uuids: Vec::new(), retry_after: None }
    }

    /// Nobody we know, or not with this signature.
    pub fn unauthorised() -> Self {
        Self::new(
            ErrorCode::Unauthorised,
            None,
            "unable to verify user credentials and/or request signature",
        )
    }

    /// A request that names no command in a session.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, None, text)
    }

    /// A login that did not succeed.
    pub fn login(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Account, None, text)
    }

    raise! {
        /// A parameter that the API layer finds missing or unreadable.
        parameter Parameter "ServerApiException",
        /// A parameter whose name cannot be read.
        malformed Malformed "ServerApiException",
        /// There is no such command.
        unknown_command UnknownCommand "ServerApiException",
        /// The caller's role may not call this.
        forbidden Unauthorised "PermissionDeniedException",
        /// More calls than the interval allows.
        rate_limit RateLimit "RequestLimitException",
        /// A value that makes no sense to the command.
        value Parameter "InvalidParameterValueException",
        /// Something of somebody else.
        permission Account "PermissionDeniedException",
        /// The account's limit is reached.
        account_limit AccountLimit "AccountLimitException",
        /// The account's limit does not allow this thing.
        allocation Allocation "ResourceAllocationException",
        /// No host has room.
        server_capacity Capacity "InsufficientServerCapacityException",
        /// No storage has room.
        storage_capacity Capacity "InsufficientStorageCapacityException",
        /// No address is free.
        address_capacity Capacity "InsufficientAddressCapacityException",
        /// No VLAN is free.
        network_capacity Capacity "InsufficientNetworkCapacityException",
        /// Something is not up.
        unavailable Unavailable "ResourceUnavailableException",
        /// A host does not answer.
        agent_unavailable Unavailable "AgentUnavailableException",
        /// The thing is in use.
        in_use InUse "ResourceInUseException",
        /// A rule collides with another.
        rule_conflict RuleConflict "NetworkRuleConflictException",
        /// Another operation is under way.
        concurrent Internal "ConcurrentOperationException",
        /// The move is not possible.
        runtime Internal "CloudRuntimeException",
    }

    /// Names a thing the text speaks of, and the parameter that named it.
    #[must_use]
    pub fn about(mut self, uuid: impl Into<String>, parameter: &'static str) -> Self {
        self.uuids.push((uuid.into(), parameter));
        self
    }

    /// Says after how many seconds another try makes sense, at least one.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(CS_ERRORS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(CsError::of("InvalidParameterValueException").number(), 4350);
        assert_eq!(ErrorCode::from_status(431), Some(ErrorCode::Parameter));
        assert_eq!(ErrorCode::from_status(404), None);
    }
}
