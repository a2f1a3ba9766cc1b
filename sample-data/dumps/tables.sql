drop database if exists cloud; create database cloud character set utf8mb4; use cloud;
create table account (id bigint unsigned not null auto_increment, account_name varchar(100) default null, uuid varchar(40) default null, type int(1) unsigned not null, domain_id bigint unsigned default null, state varchar(10) not null default 'enabled', removed datetime default null, cleanup_needed tinyint(1) not null default 0, network_domain varchar(100) default null, default_zone_id bigint unsigned default null, `default` int(1) unsigned not null default 0, primary key (id), unique key uc_account__uuid (uuid), key i_account__removed (removed)) engine=innodb;
create table domain (id bigint unsigned not null auto_increment, parent bigint unsigned default null, name varchar(255) default null, uuid varchar(40) default null, owner bigint unsigned not null, path varchar(255) not null, level int(10) not null default 0, child_count int(10) not null default 0, next_child_seq bigint unsigned not null default 1, removed datetime default null, state char(32) not null default 'Active', network_domain varchar(255) default null, type varchar(255) not null default 'Normal', primary key (id));
create table data_center (id bigint unsigned not null auto_increment, name varchar(255) default null, uuid varchar(40), networktype varchar(255) not null default 'Basic', allocation_state varchar(32) not null default 'Enabled', removed datetime default null, primary key (id));
create table image_store (id bigint unsigned not null auto_increment, name varchar(255) not null, image_provider_name varchar(255) not null, protocol varchar(255) not null, url varchar(255), data_center_id bigint unsigned default null, scope varchar(255), role varchar(255), uuid varchar(255), parent varchar(255), created datetime, removed datetime, primary key (id));
create table user_ip_address (id bigint unsigned not null auto_increment, uuid varchar(40) default null, account_id bigint unsigned default null, domain_id bigint unsigned default null, public_ip_address char(40) not null, data_center_id bigint unsigned not null, source_nat int(1) unsigned not null default 0, allocated datetime default null, vlan_db_id bigint unsigned not null, state char(32) not null default 'Free', is_portable int(1) unsigned not null default 0, removed datetime, created datetime, primary key (id));
create table user_statistics (id bigint unsigned not null auto_increment, data_center_id bigint unsigned not null, account_id bigint unsigned not null, public_ip_address char(40) default null, device_id bigint unsigned not null, device_type varchar(32) not null, network_id bigint unsigned default null, net_bytes_received bigint unsigned not null default 0, net_bytes_sent bigint unsigned not null default 0, current_bytes_received bigint unsigned not null default 0, current_bytes_sent bigint unsigned not null default 0, agg_bytes_received bigint unsigned not null default 0, agg_bytes_sent bigint unsigned not null default 0, primary key (id));
create table op_user_stats_log (user_stats_id bigint unsigned not null, net_bytes_received bigint unsigned not null default 0, net_bytes_sent bigint unsigned not null default 0, current_bytes_received bigint unsigned not null default 0, current_bytes_sent bigint unsigned not null default 0, agg_bytes_received bigint unsigned not null default 0, agg_bytes_sent bigint unsigned not null default 0, updated datetime default null, unique key (user_stats_id, updated));
create table usage_event (id bigint unsigned not null auto_increment, type varchar(32) not null, account_id bigint unsigned not null, created datetime not null, zone_id bigint unsigned not null, resource_id bigint unsigned default null, resource_name varchar(255) default null, offering_id bigint unsigned default null, template_id bigint unsigned default null, size bigint unsigned default null, resource_type varchar(32) default null, processed tinyint not null default 0, virtual_size bigint unsigned default null, primary key (id), key i_usage_event__created (created));
insert into data_center (id,name,uuid) values (1,'east','z1'),(2,'west','z2');
insert into image_store values (7,'nfs-east','NFS','nfs','nfs://x',1,'ZONE','Image','s7',null,null,null),(8,'s3','S3','s3','',null,'REGION','Image','s8',null,null,null);
insert into domain (id,parent,name,uuid,owner,path,level) values (1,null,'ROOT','d1',2,'/',0),(2,1,'acme','d2',2,'/acme/',1),(3,2,'e''u "x"','d3',2,'/acme/e''u "x"/',2);
insert into account (id,account_name,uuid,type,domain_id,state,removed) values (1,'system','a1',1,1,'enabled',null),(2,'admin','a2',1,1,'enabled',null),(3,'o''hara; "x", \\ | y','a3',0,2,'enabled',null),(4,'gone','a4',0,3,'disabled','2026-01-20 10:00:00');
insert into user_ip_address (id,uuid,account_id,domain_id,public_ip_address,data_center_id,vlan_db_id,state,is_portable) values (77,'p77',3,2,'10.1.1.77',1,1,'Allocated',1),(78,'p78',null,null,'10.1.1.78',1,1,'Free',0);
insert into usage_event (id,type,account_id,created,zone_id,resource_id,resource_name,offering_id,template_id,size,resource_type,virtual_size) values
(1,'VM.CREATE',3,'2026-01-01 00:00:00',1,11,'tab\there',10,20,null,'KVM',null),
(2,'VOLUME.CREATE',3,'2026-01-01 00:00:01',1,12,'line\nbreak',10,20,1073741824,null,null),
(3,'VOLUME.CREATE',3,'2026-01-01 00:00:02',1,13,'carriage\rreturn',10,20,1073741824,null,1073741824),
(4,'VOLUME.CREATE',3,'2026-01-01 00:00:03',1,14,'back\\slash',10,null,1073741824,null,null),
(5,'VOLUME.CREATE',3,'2026-01-01 00:00:04',1,15,'quo"te',10,null,1073741824,null,null),
(6,'VOLUME.CREATE',3,'2026-01-01 00:00:05',1,16,'apos''trophe',10,null,1073741824,null,null),
(7,'VOLUME.CREATE',3,'2026-01-01 00:00:06',1,17,'nul\0byte',10,null,1073741824,null,null),
(8,'VOLUME.CREATE',3,'2026-01-01 00:00:07',1,18,'',10,null,1073741824,null,null),
(9,'VOLUME.CREATE',3,'2026-01-01 00:00:08',1,19,null,10,null,1073741824,null,null),
(10,'VOLUME.CREATE',3,'2026-01-01 00:00:09',1,20,'NULL',10,null,1073741824,null,null),
(11,'VOLUME.CREATE',3,'2026-01-01 00:00:10',1,21,'emoji 🦀 日本',10,null,9223372036854775807,null,null),
(12,'VOLUME.CREATE',3,'2026-01-01 00:00:11',0,22,'a,b;c|d',10,null,1073741824,null,null),
(13,'VOLUME.CREATE',3,'2026-01-01 00:00:12',1,23,'"',10,null,1073741824,null,null),
(14,'VOLUME.CREATE',3,'2026-01-01 00:00:13',1,24,'ends with \\',10,null,1073741824,null,null),
(15,'VOLUME.CREATE',3,'2026-01-01 00:00:14',1,25,'\\N and \\n and \\t',10,null,1073741824,null,null),
(16,'VOLUME.CREATE',3,'2026-01-01 00:00:15',1,26,'(1,''x''),(2); -- ',10,null,1073741824,null,null),
(17,'VOLUME.CREATE',3,'2026-01-01 00:00:16',18446744073709551615,27,'huge zone',10,null,1073741824,null,null),
(18,'VM.STOP',3,'2026-01-01 00:00:17',1,11,'/* no comment */ # <b>&amp;',10,20,null,'KVM',null),
(19,'VOLUME.CREATE',3,'2026-01-01 00:00:18',1,28,'\n',10,null,1073741824,null,null);
insert into usage_event (id,type,account_id,created,zone_id,resource_id,resource_name,offering_id,template_id,size,resource_type,virtual_size) values
(20,'PORTABLE.IPASSIGN',77,'2026-01-01 06:00:00',1,77,'10.1.1.77',null,0,0,'VirtualNetwork',null),
(21,'PORTABLE.IPRELEASE',3,'2026-01-01 18:00:00',1,77,'10.1.1.77',null,0,0,'VirtualNetwork',null),
(22,'VOLUME.ATTACH',3,'2026-01-01 06:00:00',1,12,'line\nbreak',10,20,1073741824,null,null);
insert into user_statistics values (5,1,3,'10.1.1.5',31,'DomainRouter',204,1000,500,200,100,1100,550),(6,1,2,null,32,'DomainRouter',null,0,0,0,0,0,0);
insert into op_user_stats_log values (5,400,200,0,0,400,200,'2026-01-02 00:00:04'),(5,1000,500,100,50,1100,550,'2026-01-03 00:00:02');
