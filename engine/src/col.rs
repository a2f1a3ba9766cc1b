//! The columns that the engine itself reads and writes.

use cloudtally_model::{Instant, Text, port::Value};

use super::{ResourceId, column::Pairs};

crate::columns! {
    DUE: Instant = "due";
    FAILURES: i64 = "failures";
    GIVEN_ID: Text = "givenid";
    REFUSED_UNTIL: Instant = "refuseduntil";
    RESOURCE: ResourceId = "resource";
    SESSIONS_ENDED: i64 = "sessionsended";
    ZONE_ID: ResourceId = "zoneid";
    ABOUT: ResourceId = "about";
    ACCOUNT_ID: ResourceId = "accountid";
    ACCOUNT_TYPE: i64 = "accounttype";
    ACL_TYPE: Text = "acltype";
    API_KEY: Text = "apikey";
    CMD: Text = "cmd";
    DESCRIPTION: Text = "description";
    DOMAIN_ID: ResourceId = "domainid";
    ENTITY: ResourceId = "entity";
    ERROR_CODE: i64 = "errorcode";
    ERROR_TEXT: Text = "errortext";
    FIRST_NAME: Text = "firstname";
    IS_DEFAULT: bool = "isdefault";
    IS_PUBLIC: bool = "ispublic";
    JOB_INSTANCE_TYPE: Text = "jobinstancetype";
    JOB_PROC_STATUS: i64 = "jobprocstatus";
    JOB_RESULT_CODE: i64 = "jobresultcode";
    JOB_RESULT_TYPE: Text = "jobresulttype";
    JOB_STATUS: i64 = "jobstatus";
    KEY: Text = "key";
    LAST_NAME: Text = "lastname";
    LEVEL: Text = "level";
    MAX: i64 = "max";
    NAME: Text = "name";
    OF: ResourceId = "of";
    PARAMS: Pairs = "params";
    PARENT_DOMAIN_ID: ResourceId = "parentdomainid";
    PARENT_ID: ResourceId = "parentid";
    PASSWORD_HASH: Text = "passwordhash";
    PROJECT: ResourceId = "project";
    PROJECT_ID: ResourceId = "projectid";
    RESOURCE_TYPE_NUMBER: i64 = "resourcetype";
    RESULT: Value = "result";
    SHARED_DOMAIN: ResourceId = "shareddomain";
    SHARED_WITH: Vec<ResourceId> = "sharedwith";
    START_EVENT: ResourceId = "startevent";
    STEP: i64 = "step";
    SUBDOMAIN_ACCESS: bool = "subdomainaccess";
    TYPE: Text = "type";
    USERNAME: Text = "username";
    USER_ID: ResourceId = "userid";
    VALUE: Text = "value";
}
