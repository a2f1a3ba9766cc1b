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
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (1,'VM.CREATE',3,'2026-01-01 00:00:00',1,11,'tab	here',10,20,NULL,'KVM',0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (2,'VOLUME.CREATE',3,'2026-01-01 00:00:01',1,12,'line\nbreak',10,20,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (3,'VOLUME.CREATE',3,'2026-01-01 00:00:02',1,13,'carriage\rreturn',10,20,1073741824,NULL,0,1073741824);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (4,'VOLUME.CREATE',3,'2026-01-01 00:00:03',1,14,'back\\slash',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (5,'VOLUME.CREATE',3,'2026-01-01 00:00:04',1,15,'quo\"te',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (6,'VOLUME.CREATE',3,'2026-01-01 00:00:05',1,16,'apos\'trophe',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (7,'VOLUME.CREATE',3,'2026-01-01 00:00:06',1,17,'nul\0byte',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (8,'VOLUME.CREATE',3,'2026-01-01 00:00:07',1,18,'',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (9,'VOLUME.CREATE',3,'2026-01-01 00:00:08',1,19,NULL,10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (10,'VOLUME.CREATE',3,'2026-01-01 00:00:09',1,20,'NULL',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (11,'VOLUME.CREATE',3,'2026-01-01 00:00:10',1,21,'emoji 🦀 日本',10,NULL,9223372036854775807,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (12,'VOLUME.CREATE',3,'2026-01-01 00:00:11',0,22,'a,b;c|d',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (13,'VOLUME.CREATE',3,'2026-01-01 00:00:12',1,23,'\"',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (14,'VOLUME.CREATE',3,'2026-01-01 00:00:13',1,24,'ends with \\',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (15,'VOLUME.CREATE',3,'2026-01-01 00:00:14',1,25,'\\N and \\n and \\t',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (16,'VOLUME.CREATE',3,'2026-01-01 00:00:15',1,26,'(1,\'x\'),(2); -- ',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (17,'VOLUME.CREATE',3,'2026-01-01 00:00:16',18446744073709551615,27,'huge zone',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (18,'VM.STOP',3,'2026-01-01 00:00:17',1,11,'/* no comment */ # <b>&amp;',10,20,NULL,'KVM',0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (19,'VOLUME.CREATE',3,'2026-01-01 00:00:18',1,28,'\n',10,NULL,1073741824,NULL,0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (20,'PORTABLE.IPASSIGN',77,'2026-01-01 06:00:00',1,77,'10.1.1.77',NULL,0,0,'VirtualNetwork',0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (21,'PORTABLE.IPRELEASE',3,'2026-01-01 18:00:00',1,77,'10.1.1.77',NULL,0,0,'VirtualNetwork',0,NULL);
INSERT INTO `usage_event` (`id`, `type`, `account_id`, `created`, `zone_id`, `resource_id`, `resource_name`, `offering_id`, `template_id`, `size`, `resource_type`, `processed`, `virtual_size`) VALUES (22,'VOLUME.ATTACH',3,'2026-01-01 06:00:00',1,12,'line\nbreak',10,20,1073741824,NULL,0,NULL);
/*!40000 ALTER TABLE `usage_event` ENABLE KEYS */;
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
