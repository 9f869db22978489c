"""
From params/ to the papers' tables.

IN    params/**, and images: made here at the scales demo and smoke, brought by you at paper (data/raw/<data set>/)
OUT   reports/{scale}/index.html, tables/*.{md,csv,json}, figures/*.{png,svg,csv,json}, runs/**.html, and what MLflow shows

The plan says which jobs there are; rules say what a stage calls. `snakemake --profile demo all_tables` is what `make demo` runs.
"""

import signal

from workflow.lib.controller import begin
from workflow.lib.lookup import Lookup

# SLURM sends USR1 to every process of a step: the Snakemake inside the job must survive it.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)

PLAN = Lookup.of(config, write=workflow.is_main_process)


wildcard_constraints:
    dataset="[a-z0-9_-]+",
    split="[a-z0-9_-]+",
    name="[a-z0-9_-]+",
    plan="[a-z0-9_/-]+/seed[0-9]+",
    pretraining="pretrain/[a-z0-9_/-]+/seed[0-9]+",
    run="finetune/[a-z0-9_.+~/-]+/seed[0-9]+",
    rehearsal="rehearse/[a-z0-9_.+~/-]+/seed[0-9]+",
    costed="bench/[a-z0-9_.+~/-]+/seed[0-9]+",
    trained="(pretrain|finetune)/[a-z0-9_.+~/-]+/seed[0-9]+",


localrules:
    all_tables,
    page,
    index,


onstart:
    # A limit of jobs per second (100, and no option lifts it) makes each job that ends wake the scheduler every
    # second from then on: after a hundred jobs that is a core's whole time (9.27). No job here needs a limit.
    workflow.scheduler.job_rate_limiter = None
    begin(workflow.executor_plugin.name)
    if not workflow.touch:
        PLAN.refuse(
            file for job in workflow.dag.needrun_jobs() for file in job.output
        )


rule all_tables:
    input:
        PLAN.outputs("table"),
        PLAN.outputs("figure"),
        PLAN.outputs("index"),
        PLAN.outputs("page"),
        PLAN.synced,


include: "workflow/rules/data.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/report.smk"
