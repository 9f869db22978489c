"""
IN    data/raw/{dataset}.yaml: where the images are, or how they are made
OUT   data/raw/{dataset}/{split}.json: the index that everything else reads
      data/raw/{dataset}/generated-{split}/: images that are made; images that you brought are nobody's output
      data/raw/{dataset}/{split}.ids.txt: of part of a data set, its images
"""


rule data:
    input:
        settings="data/raw/{dataset}.yaml",
    output:
        index="data/raw/{dataset}/{split}.json",
        record="data/raw/{dataset}/{split}.record.json",
    log:
        "logs/data/{dataset}-{split}.log",
    wildcard_constraints:
        dataset=PLAN.datasets(drawn=False),
    threads: 1
    resources:
        mem_mb=PLAN.resource("raw/{dataset}", "mem_mb"),
        runtime=PLAN.resource("raw/{dataset}", "minutes"),
    shell:
        "exec sdetr prepare --settings {input.settings} --out {output.index} 2> >(tee {log} >&2)"


rule drawn_data:
    input:
        settings="data/raw/{dataset}.yaml",
    output:
        index="data/raw/{dataset}/{split}.json",
        record="data/raw/{dataset}/{split}.record.json",
        images=directory("data/raw/{dataset}/generated-{split}"),
    log:
        "logs/data/{dataset}-{split}.log",
    wildcard_constraints:
        dataset=PLAN.datasets(drawn=True),
    threads: 1
    resources:
        mem_mb=PLAN.resource("raw/{dataset}", "mem_mb"),
        runtime=PLAN.resource("raw/{dataset}", "minutes"),
    shell:
        "exec sdetr prepare --settings {input.settings} --out {output.index} 2> >(tee {log} >&2)"


rule subset:
    input:
        settings="data/raw/{dataset}.yaml",
        whole=PLAN.input("raw/{dataset}", "whole"),
    output:
        index="data/raw/{dataset}/{split}.json",
        record="data/raw/{dataset}/{split}.record.json",
        ids="data/raw/{dataset}/{split}.ids.txt",
    log:
        "logs/data/{dataset}-{split}.log",
    wildcard_constraints:
        dataset=PLAN.parts(),
    threads: 1
    resources:
        mem_mb=PLAN.resource("raw/{dataset}", "mem_mb"),
        runtime=PLAN.resource("raw/{dataset}", "minutes"),
    shell:
        "exec sdetr subset --settings {input.settings} --out {output.index} 2> >(tee {log} >&2)"
