"""The Glue job's script: `--storage_url s3://bucket/prefix --packs NAME --dataset NAME`.

On Glue it comes with `--additional-python-modules` (`make glue-package` says which); anywhere else it runs as
`spark-submit deploy/glue/job.py …` or with plain Python.
"""

from bandmate_glue.job import main

if __name__ == "__main__":
    main()
