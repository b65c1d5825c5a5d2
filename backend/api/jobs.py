"""Jobs: what the workers are doing for a project, and what they gave up on."""

from fastapi import APIRouter

from backend.api import schemas
from backend.api.deps import AtRuntime
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import jobs, projects

router = APIRouter(prefix="/api", tags=["jobs"], route_class=PolicyRoute)


@router.get("/projects/{project_id}/jobs", summary="List unfinished and dead jobs", response_model=schemas.JobList)
@allow(Policy.SIGNED_IN)
def list_jobs(project_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        projects.find(session, project_id)
        return {"jobs": jobs.of_project(session, project_id)}


@router.get("/jobs/{job_id}", summary="Read a job", response_model=schemas.Job)
@allow(Policy.SIGNED_IN)
def read_job(job_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return jobs.get(session, job_id)


@router.post("/jobs/{job_id}/retry", summary="Try a dead job again", response_model=schemas.Job)
@allow(Policy.SIGNED_IN)
def retry_job(job_id: str, runtime: AtRuntime) -> object:
    with runtime.write() as uow:
        return jobs.retry(uow, job_id)


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", response_model=schemas.Job)
@allow(Policy.SIGNED_IN)
def cancel_job(job_id: str, runtime: AtRuntime) -> object:
    with runtime.write() as uow:
        return jobs.cancel(uow, job_id)
