/* zonerules.h - the records of one node among themselves */
#pragma once
#include "dnsd/zone/zoneproblem.h"

void zonerules_check_node(struct zone_check *check, const struct zone_node *node);
