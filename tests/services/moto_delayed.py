"""moto's server, whose clusters, instances and snapshots stay "creating" for some seconds.

    python moto_delayed.py SECONDS STUCK [options of moto_server]

moto alone says "creating" once and "available" ever after: nothing would be waited for. The first cluster
of the name STUCK stays "creating" until it is deleted.
"""

import sys
import time
import weakref

from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, DBSnapshot, RDSBackend
from moto.server import main

delay = float(sys.argv.pop(1))
stuck = sys.argv.pop(1)
first_seen = weakref.WeakKeyDictionary()


def young(thing):
    since = first_seen.setdefault(thing, time.monotonic())
    return time.monotonic() - since < delay


cluster_status = DBCluster.status
first_of_the_name = []
create_db_cluster = RDSBackend.create_db_cluster


def create_and_remember(backend, kwargs):
    answer = create_db_cluster(backend, kwargs)  # a copy of what is kept
    cluster = backend.clusters[answer.db_cluster_identifier]
    if cluster.db_cluster_identifier == stuck and not first_of_the_name:
        first_of_the_name.append(cluster)
    return answer


def status_of_cluster(cluster):
    if young(cluster) or any(cluster is it for it in first_of_the_name):
        return "creating"
    cluster_status.fget(cluster)  # moto's own first answer is "creating"
    return cluster_status.fget(cluster)


def status_of_other(thing):
    return "creating" if young(thing) else thing.__dict__["status"]


def set_status_of_other(thing, status):
    thing.__dict__["status"] = status


RDSBackend.create_db_cluster = create_and_remember
DBCluster.status = property(status_of_cluster, cluster_status.fset)
for other in (DBInstance, DBClusterSnapshot, DBSnapshot):
    other.status = property(status_of_other, set_status_of_other)
main(sys.argv[1:])
