/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: cloud
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `account`
--

DROP TABLE IF EXISTS `account`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `account` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `account_name` varchar(100) DEFAULT NULL,
  `uuid` varchar(40) DEFAULT NULL,
  `type` int(1) unsigned NOT NULL,
  `domain_id` bigint(20) unsigned DEFAULT NULL,
  `state` varchar(10) NOT NULL DEFAULT 'enabled',
  `removed` datetime DEFAULT NULL,
  `cleanup_needed` tinyint(1) NOT NULL DEFAULT 0,
  `network_domain` varchar(100) DEFAULT NULL,
  `default_zone_id` bigint(20) unsigned DEFAULT NULL,
  `default` int(1) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uc_account__uuid` (`uuid`),
  KEY `i_account__removed` (`removed`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `account`
--

LOCK TABLES `account` WRITE;
/*!40000 ALTER TABLE `account` DISABLE KEYS */;
INSERT INTO `account` VALUES
(1,'system','a1',1,1,'enabled',NULL,0,NULL,NULL,0),
(2,'admin','a2',1,1,'enabled',NULL,0,NULL,NULL,0),
(3,'o\'hara; \"x\", \\ | y','a3',0,2,'enabled',NULL,0,NULL,NULL,0),
(4,'gone','a4',0,3,'disabled','2026-01-20 10:00:00',0,NULL,NULL,0);
/*!40000 ALTER TABLE `account` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `data_center`
--

DROP TABLE IF EXISTS `data_center`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `data_center` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(255) DEFAULT NULL,
  `uuid` varchar(40) DEFAULT NULL,
  `networktype` varchar(255) NOT NULL DEFAULT 'Basic',
  `allocation_state` varchar(32) NOT NULL DEFAULT 'Enabled',
  `removed` datetime DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `data_center`
--

LOCK TABLES `data_center` WRITE;
/*!40000 ALTER TABLE `data_center` DISABLE KEYS */;
INSERT INTO `data_center` VALUES
(1,'east','z1','Basic','Enabled',NULL),
(2,'west','z2','Basic','Enabled',NULL);
/*!40000 ALTER TABLE `data_center` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `domain`
--

DROP TABLE IF EXISTS `domain`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `domain` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `parent` bigint(20) unsigned DEFAULT NULL,
  `name` varchar(255) DEFAULT NULL,
  `uuid` varchar(40) DEFAULT NULL,
  `owner` bigint(20) unsigned NOT NULL,
  `path` varchar(255) NOT NULL,
  `level` int(10) NOT NULL DEFAULT 0,
  `child_count` int(10) NOT NULL DEFAULT 0,
  `next_child_seq` bigint(20) unsigned NOT NULL DEFAULT 1,
  `removed` datetime DEFAULT NULL,
  `state` char(32) NOT NULL DEFAULT 'Active',
  `network_domain` varchar(255) DEFAULT NULL,
  `type` varchar(255) NOT NULL DEFAULT 'Normal',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `domain`
--

LOCK TABLES `domain` WRITE;
/*!40000 ALTER TABLE `domain` DISABLE KEYS */;
INSERT INTO `domain` VALUES
(1,NULL,'ROOT','d1',2,'/',0,0,1,NULL,'Active',NULL,'Normal'),
(2,1,'acme','d2',2,'/acme/',1,0,1,NULL,'Active',NULL,'Normal'),
(3,2,'e\'u \"x\"','d3',2,'/acme/e\'u \"x\"/',2,0,1,NULL,'Active',NULL,'Normal');
/*!40000 ALTER TABLE `domain` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `image_store`
--

DROP TABLE IF EXISTS `image_store`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `image_store` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `image_provider_name` varchar(255) NOT NULL,
  `protocol` varchar(255) NOT NULL,
  `url` varchar(255) DEFAULT NULL,
  `data_center_id` bigint(20) unsigned DEFAULT NULL,
  `scope` varchar(255) DEFAULT NULL,
  `role` varchar(255) DEFAULT NULL,
  `uuid` varchar(255) DEFAULT NULL,
  `parent` varchar(255) DEFAULT NULL,
  `created` datetime DEFAULT NULL,
  `removed` datetime DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=9 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `image_store`
--

LOCK TABLES `image_store` WRITE;
/*!40000 ALTER TABLE `image_store` DISABLE KEYS */;
INSERT INTO `image_store` VALUES
(7,'nfs-east','NFS','nfs','nfs://x',1,'ZONE','Image','s7',NULL,NULL,NULL),
(8,'s3','S3','s3','',NULL,'REGION','Image','s8',NULL,NULL,NULL);
/*!40000 ALTER TABLE `image_store` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `op_user_stats_log`
--

DROP TABLE IF EXISTS `op_user_stats_log`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `op_user_stats_log` (
  `user_stats_id` bigint(20) unsigned NOT NULL,
  `net_bytes_received` bigint(20) unsigned NOT NULL DEFAULT 0,
  `net_bytes_sent` bigint(20) unsigned NOT NULL DEFAULT 0,
  `current_bytes_received` bigint(20) unsigned NOT NULL DEFAULT 0,
  `current_bytes_sent` bigint(20) unsigned NOT NULL DEFAULT 0,
  `agg_bytes_received` bigint(20) unsigned NOT NULL DEFAULT 0,
  `agg_bytes_sent` bigint(20) unsigned NOT NULL DEFAULT 0,
  `updated` datetime DEFAULT NULL,
  UNIQUE KEY `user_stats_id` (`user_stats_id`,`updated`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `op_user_stats_log`
--

LOCK TABLES `op_user_stats_log` WRITE;
/*!40000 ALTER TABLE `op_user_stats_log` DISABLE KEYS */;
INSERT INTO `op_user_stats_log` VALUES
(5,400,200,0,0,400,200,'2026-01-02 00:00:04'),
(5,1000,500,100,50,1100,550,'2026-01-03 00:00:02');
/*!40000 ALTER TABLE `op_user_stats_log` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `usage_event`
--

DROP TABLE IF EXISTS `usage_event`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `usage_event` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `type` varchar(32) NOT NULL,
  `account_id` bigint(20) unsigned NOT NULL,
  `created` datetime NOT NULL,
  `zone_id` bigint(20) unsigned NOT NULL,
  `resource_id` bigint(20) unsigned DEFAULT NULL,
  `resource_name` varchar(255) DEFAULT NULL,
  `offering_id` bigint(20) unsigned DEFAULT NULL,
  `template_id` bigint(20) unsigned DEFAULT NULL,
  `size` bigint(20) unsigned DEFAULT NULL,
  `resource_type` varchar(32) DEFAULT NULL,
  `processed` tinyint(4) NOT NULL DEFAULT 0,
  `virtual_size` bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `i_usage_event__created` (`created`)
) ENGINE=InnoDB AUTO_INCREMENT=23 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `usage_event`
--

LOCK TABLES `usage_event` WRITE;
/*!40000 ALTER TABLE `usage_event` DISABLE KEYS */;
INSERT INTO `usage_event` VALUES
(1,'VM.CREATE',3,'2026-01-01 00:00:00',1,11,'tab	here',10,20,NULL,'KVM',0,NULL),
(2,'VOLUME.CREATE',3,'2026-01-01 00:00:01',1,12,'line\nbreak',10,20,1073741824,NULL,0,NULL),
(3,'VOLUME.CREATE',3,'2026-01-01 00:00:02',1,13,'carriage\rreturn',10,20,1073741824,NULL,0,1073741824),
(4,'VOLUME.CREATE',3,'2026-01-01 00:00:03',1,14,'back\\slash',10,NULL,1073741824,NULL,0,NULL),
(5,'VOLUME.CREATE',3,'2026-01-01 00:00:04',1,15,'quo\"te',10,NULL,1073741824,NULL,0,NULL),
(6,'VOLUME.CREATE',3,'2026-01-01 00:00:05',1,16,'apos\'trophe',10,NULL,1073741824,NULL,0,NULL),
(7,'VOLUME.CREATE',3,'2026-01-01 00:00:06',1,17,'nul\0byte',10,NULL,1073741824,NULL,0,NULL),
(8,'VOLUME.CREATE',3,'2026-01-01 00:00:07',1,18,'',10,NULL,1073741824,NULL,0,NULL),
(9,'VOLUME.CREATE',3,'2026-01-01 00:00:08',1,19,NULL,10,NULL,1073741824,NULL,0,NULL),
(10,'VOLUME.CREATE',3,'2026-01-01 00:00:09',1,20,'NULL',10,NULL,1073741824,NULL,0,NULL),
(11,'VOLUME.CREATE',3,'2026-01-01 00:00:10',1,21,'emoji 🦀 日本',10,NULL,9223372036854775807,NULL,0,NULL),
(12,'VOLUME.CREATE',3,'2026-01-01 00:00:11',0,22,'a,b;c|d',10,NULL,1073741824,NULL,0,NULL),
(13,'VOLUME.CREATE',3,'2026-01-01 00:00:12',1,23,'\"',10,NULL,1073741824,NULL,0,NULL),
(14,'VOLUME.CREATE',3,'2026-01-01 00:00:13',1,24,'ends with \\',10,NULL,1073741824,NULL,0,NULL),
(15,'VOLUME.CREATE',3,'2026-01-01 00:00:14',1,25,'\\N and \\n and \\t',10,NULL,1073741824,NULL,0,NULL),
(16,'VOLUME.CREATE',3,'2026-01-01 00:00:15',1,26,'(1,\'x\'),(2); -- ',10,NULL,1073741824,NULL,0,NULL),
(17,'VOLUME.CREATE',3,'2026-01-01 00:00:16',18446744073709551615,27,'huge zone',10,NULL,1073741824,NULL,0,NULL),
(18,'VM.STOP',3,'2026-01-01 00:00:17',1,11,'/* no comment */ # <b>&amp;',10,20,NULL,'KVM',0,NULL),
(19,'VOLUME.CREATE',3,'2026-01-01 00:00:18',1,28,'\n',10,NULL,1073741824,NULL,0,NULL),
(20,'PORTABLE.IPASSIGN',77,'2026-01-01 06:00:00',1,77,'10.1.1.77',NULL,0,0,'VirtualNetwork',0,NULL),
(21,'PORTABLE.IPRELEASE',3,'2026-01-01 18:00:00',1,77,'10.1.1.77',NULL,0,0,'VirtualNetwork',0,NULL),
(22,'VOLUME.ATTACH',3,'2026-01-01 06:00:00',1,12,'line\nbreak',10,20,1073741824,NULL,0,NULL);
/*!40000 ALTER TABLE `usage_event` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `user_ip_address`
--

DROP TABLE IF EXISTS `user_ip_address`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `user_ip_address` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `uuid` varchar(40) DEFAULT NULL,
  `account_id` bigint(20) unsigned DEFAULT NULL,
  `domain_id` bigint(20) unsigned DEFAULT NULL,
  `public_ip_address` char(40) NOT NULL,
  `data_center_id` bigint(20) unsigned NOT NULL,
  `source_nat` int(1) unsigned NOT NULL DEFAULT 0,
  `allocated` datetime DEFAULT NULL,
  `vlan_db_id` bigint(20) unsigned NOT NULL,
  `state` char(32) NOT NULL DEFAULT 'Free',
  `is_portable` int(1) unsigned NOT NULL DEFAULT 0,
  `removed` datetime DEFAULT NULL,
  `created` datetime DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=79 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `user_ip_address`
--

LOCK TABLES `user_ip_address` WRITE;
/*!40000 ALTER TABLE `user_ip_address` DISABLE KEYS */;
INSERT INTO `user_ip_address` VALUES
(77,'p77',3,2,'10.1.1.77',1,0,NULL,1,'Allocated',1,NULL,NULL),
(78,'p78',NULL,NULL,'10.1.1.78',1,0,NULL,1,'Free',0,NULL,NULL);
/*!40000 ALTER TABLE `user_ip_address` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `user_statistics`
--

DROP TABLE IF EXISTS `user_statistics`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `user_statistics` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `data_center_id` bigint(20) unsigned NOT NULL,
  `account_id` bigint(20) unsigned NOT NULL,
  `public_ip_address` char(40) DEFAULT NULL,
  `device_id` bigint(20) unsigned NOT NULL,
  `device_type` varchar(32) NOT NULL,
  `network_id` bigint(20) unsigned DEFAULT NULL,
  `net_bytes_received` bigint(20) unsigned NOT NULL DEFAULT 0,
  `net_bytes_sent` bigint(20) unsigned NOT NULL DEFAULT 0,
  `current_bytes_received` bigint(20) unsigned NOT NULL DEFAULT 0,
  `current_bytes_sent` bigint(20) unsigned NOT NULL DEFAULT 0,
  `agg_bytes_received` bigint(20) unsigned NOT NULL DEFAULT 0,
  `agg_bytes_sent` bigint(20) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `user_statistics`
--

LOCK TABLES `user_statistics` WRITE;
/*!40000 ALTER TABLE `user_statistics` DISABLE KEYS */;
INSERT INTO `user_statistics` VALUES
(5,1,3,'10.1.1.5',31,'DomainRouter',204,1000,500,200,100,1100,550),
(6,1,2,NULL,32,'DomainRouter',NULL,0,0,0,0,0,0);
/*!40000 ALTER TABLE `user_statistics` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-11-30 20:23:11
