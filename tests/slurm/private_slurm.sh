# shellcheck shell=bash
# Sourced: a private Slurm of this machine, two nodes of four CPUs each, at the address of its host name.
# Needs root and the packages munge, slurmctld, slurmd and slurm-client; touches nothing outside its folder.
PATH=$PATH:/usr/sbin

# Prints why there can be no such Slurm here, and returns 1; or returns 0.
can_have_slurm() {
  local program
  if ((EUID != 0)); then echo "Slurm's daemons need root"; return 1; fi
  for program in munged mungekey slurmctld slurmd sbatch scontrol scancel; do
    command -v "$program" >/dev/null || { echo "no $program: Slurm is not installed"; return 1; }
  done
  getent ahostsv4 "$(hostname -s)" >/dev/null || { echo "the host name has no address"; return 1; }
}

free_ports() { # how many
  local port host found=()
  host=$(hostname -s)
  for ((port = 20000 + RANDOM % 10000; ${#found[@]} < $1; ++port)); do
    (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null || found+=("$port")
  done
  echo "${found[@]}"
}

write_configuration() {
  local ports host
  read -r -a ports < <(free_ports 3)
  host=$(hostname -s)
  # cred_expire is also how long a requeued job waits: two minutes by default, five seconds at least.
  cat >"$SLURM_CONF" <<CONF
ClusterName=cocola
SlurmctldHost=$host
SlurmctldPort=${ports[0]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$slurm_folder/munge.socket,cred_expire=5
StateSaveLocation=$slurm_folder/state
SlurmdSpoolDir=$slurm_folder/spool.%n
SlurmctldPidFile=$slurm_folder/slurmctld.pid
SlurmdPidFile=$slurm_folder/slurmd.%n.pid
SlurmctldLogFile=$slurm_folder/slurmctld.log
SlurmdLogFile=$slurm_folder/slurmd.%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
KillWait=5
MpiDefault=none
NodeName=cocola1 NodeHostname=$host NodeAddr=$host Port=${ports[1]} CPUs=4 RealMemory=100000
NodeName=cocola2 NodeHostname=$host NodeAddr=$host Port=${ports[2]} CPUs=4 RealMemory=100000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  printf 'IgnoreSystemd=yes\nCgroupPlugin=cgroup/v1\n' >"$slurm_folder/cgroup.conf"
}

start_daemons() {
  mungekey --create --keyfile="$slurm_folder/munge/key" &&
    munged --key-file="$slurm_folder/munge/key" --socket="$slurm_folder/munge.socket" \
      --pid-file="$slurm_folder/munged.pid" --log-file="$slurm_folder/munged.log" \
      --seed-file="$slurm_folder/munge/seed" --force &&
    slurmctld -f "$SLURM_CONF" &&
    slurmd -f "$SLURM_CONF" -N cocola1 &&
    slurmd -f "$SLURM_CONF" -N cocola2
}

nodes_are_idle() { [[ $(sinfo --noheader --states=idle --format=%D) == 2 ]]; }

# Starts a Slurm whose files lie in a folder, and names its configuration in SLURM_CONF.
slurm_up() { # folder, which exists and has a short path
  unset "${!SLURM_@}" "${!SBATCH_@}" # of another Slurm, whose jobs are not ours to cancel
  export SLURM_CONF=$1/slurm.conf
  slurm_folder=$1
  mkdir -m 700 "$slurm_folder/munge"
  mkdir "$slurm_folder"/{state,spool.cocola1,spool.cocola2}
  chmod 755 "$slurm_folder"
  write_configuration
  if start_daemons </dev/null >"$slurm_folder/start.log" 2>&1; then
    for _ in {1..150}; do
      if nodes_are_idle; then return; fi
      sleep 0.2
    done 2>/dev/null
  fi
  tail -n 30 "$slurm_folder"/*.log >&2
  echo "Slurm did not come up" >&2
  return 1
}

# Cancels all jobs and ends the daemons; does nothing where none was started.
slurm_down() {
  local daemon pid
  if [[ -z ${slurm_folder:-} ]]; then return; fi
  scancel --user=root 2>/dev/null || true
  for _ in {1..75}; do
    if [[ -z $(squeue --noheader 2>/dev/null) ]]; then break; fi
    sleep 0.2
  done
  for daemon in slurmd.cocola1 slurmd.cocola2 slurmctld munged; do
    pid=$(cat "$slurm_folder/$daemon.pid" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for _ in {1..75}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
  done
  # A job that was about to start outlives slurmd. Only what was started with this Slurm has this environment.
  for pid in $(grep -lzxF "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'); do
    kill -KILL "$pid" 2>/dev/null || true
  done
}
