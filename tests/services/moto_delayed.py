"""moto's server, whose clusters, instances and snapshots stay "creating" for some seconds.

    python moto_delayed.py SECONDS [options of moto_server]

moto alone says "creating" once and "available" ever after: nothing would be waited for.
"""

import sys
import time
import weakref

from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, DBSnapshot
from moto.server import main

delay = float(sys.argv.pop(1))
first_seen = weakref.WeakKeyDictionary()


def young(thing):
    since = first_seen.setdefault(thing, time.monotonic())
    return time.monotonic() - since < delay


cluster_status = DBCluster.status


def status_of_cluster(cluster):
    if young(cluster):
        return "creating"
    cluster_status.fget(cluster)  # moto's own first answer is "creating"
    return cluster_status.fget(cluster)


def status_of_other(thing):
    return "creating" if young(thing) else thing.__dict__["status"]


def set_status_of_other(thing, status):
    thing.__dict__["status"] = status


DBCluster.status = property(status_of_cluster, cluster_status.fset)
for other in (DBInstance, DBClusterSnapshot, DBSnapshot):
    other.status = property(status_of_other, set_status_of_other)
main(sys.argv[1:])
