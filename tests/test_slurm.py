"""A cluster gives the same bytes as this machine: the small review through a one-node Slurm, with the profile as it is.

The cluster needs root, Debian's ``slurm-wlm`` and ``munge``, and the dependency group ``slurm``; else its test is
skipped and says why. All that Slurm writes, configuration and keys too, stays in a temporary folder: an installed Slurm
is left alone.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Review
from synthesis.protocol.config import read_protocol

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
MISSING = [p for p in PROGRAMS if not shutil.which(p, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
MISSING += [] if find_spec("snakemake_executor_plugin_slurm") else ["the dependency group slurm"]
MISSING += [] if os.geteuid() == 0 else ["root, to start Slurm's daemons"]

PROFILE = ROOT / "profiles" / "slurm"
# Each a job of its own: the first are long, the others only ask for files.
ALONE = {"simulate_reviews", "gather_simulations", "operating_characteristics", "all"}
SIMULATION = """
simulation:
  {{reviews: 30, chunks: {chunks}, seed: 1, k: [3, 5], incidence: [7], tau: [0.4], models: [glmm, logit-reml-hk]}}
"""

# squeue tells the state of a job, as there is no accounting here; it forgets a finished job after MinJobAge seconds.
CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MinJobAge=600
ReturnToService=2
MpiDefault=none
AccountingStorageType=accounting_storage/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(number: int) -> list[int]:
    """Find ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(command: list[str], wanted: str, environment: dict, seconds: float = 30) -> None:
    """Wait until a command succeeds and prints what is wanted; where it never does there is no Slurm to test."""
    until = time.monotonic() + seconds
    while True:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode == 0 and re.search(wanted, done.stdout):
            return
        if time.monotonic() > until:
            pytest.skip(f"Slurm does not start here. {' '.join(command)}, {seconds} s: {done.stdout}{done.stderr}")
        time.sleep(0.1)


@contextmanager
def one_node_slurm(folder: Path):
    """Start munge and a Slurm of one node; give the environment in which its commands find it."""
    (port, node_port), host = free_ports(2), socket.gethostname().split(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    # munged insists that nobody else can write where its files are.
    folder.chmod(0o755)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    config = folder / "slurm.conf"
    config.write_text(
        CONFIG.format(
            folder=folder, host=host, port=port, node_port=node_port, cores=os.cpu_count(), memory=memory * 9 // 10
        )
    )
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    # Inside a job the executor starts srun without SLURM_CONF, so srun is told once more.
    srun = folder / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={config} exec {shutil.which("srun", path=path)} "$@"\n')
    srun.chmod(0o755)
    environment = {**os.environ, "SLURM_CONF": str(config), "PATH": f"{srun.parent}:{path}"}
    munge = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid", "seed-file": "munge.seed"}
    daemons = [
        ["munged", "--foreground", "--force", *(f"--{option}={folder / name}" for option, name in munge.items())],
        ["slurmctld", "-D"],
        ["slurmd", "-D"],
    ]
    running = []
    try:
        with (folder / "daemons.log").open("w") as log:
            for command in daemons:
                running.append(
                    subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                )
                if command[0] == "munged":
                    wait_for(["munge", "-n", "-S", f"{folder}/munge.socket"], "MUNGE", environment)
            wait_for(["sinfo", "-h", "-o", "%T"], "idle", environment)
            yield environment
    finally:
        for daemon in reversed(running):
            daemon.terminate()
        for daemon in running:
            daemon.wait(timeout=30)


@pytest.fixture
def cluster(tmp_path):
    """Give the environment of a running Slurm."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    with one_node_slurm(folder) as environment:
        yield environment


def files(folder: Path) -> dict[str, bytes]:
    """Give every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_profile_leaves_no_rule_of_the_engine_behind():
    groups = yaml.safe_load((PROFILE / "config.yaml").read_text(encoding="utf-8"))["groups"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    rules = set(re.findall(r"^ *rule (\w+):", text, re.M)) | {"draw_charts"}
    analyses = read_protocol(ROOT / "config.yaml").analyses
    rules |= {f"draw_charts_{name}" for name, analysis in analyses.items() if analysis.moderators}
    assert {"select_rows", "draw_charts_bleeding"} <= rules
    assert rules - ALONE - set(groups) == set(), "put these into a group of profiles/slurm/config.yaml, or into ALONE"
    assert set(groups) <= rules, "these are gone"


@pytest.mark.slurm
@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")
def test_whole_build_and_simulations_are_the_same_bytes_on_a_cluster(copy, tmp_path, cluster):
    """In a folder with a space in its name, and with more chunks than here, of simulations and of subsets."""
    away = Review(tmp_path / "another review")
    away.add_engine()
    for review, chunks in ((copy, 1), (away, 4)):
        with (review.folder / "config.yaml").open("a", encoding="utf-8") as config:
            config.write(SIMULATION.format(chunks=chunks))
    away.edit("config.yaml", "sensitivity: {", "sensitivity: {chunks: 3, ")
    copy.build("all", "operating_characteristics")

    command = [Review.python, "-m", "snakemake", "--workflow-profile", str(PROFILE), "--nocolor"]
    command += ["--slurm-status-command", "squeue", "--slurm-no-account"]  # no accounting here
    command += ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"]
    done = subprocess.run(
        [*command, "all", "operating_characteristics"],
        cwd=away.folder,
        env={k: v for k, v in cluster.items() if k not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")},
        capture_output=True,
        encoding="utf-8",
        timeout=1200,
    )
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    # The three analyses share a job; what stands on them, four chunks of simulations, their table. Nothing ran here.
    assert len(set(re.findall(r"SLURM jobid (\d+)", log))) == 1 + 1 + 4 + 1, log
    here, there = files(copy.folder / "results"), files(away.folder / "results")
    assert "operating_characteristics.csv" in here and "report.html" in here
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []
