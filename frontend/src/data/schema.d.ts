/* Written by `npm run types` from the backend's OpenAPI document; do not edit. */

export interface paths {
    "/api/annotations/{annotation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete an annotation
         * @description A proposal is rejected by it. It can be restored; deleting twice is fine.
         */
        delete: operations["delete_annotation"];
        options?: never;
        head?: never;
        /** Change category, attributes or flag */
        patch: operations["change_annotation"];
        trace?: never;
    };
    "/api/annotations/{annotation_id}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Accept a proposal
         * @description The model stays its maker, the caller becomes who decided. Accepting twice is fine.
         */
        post: operations["accept_annotation"];
        /**
         * Take the acceptance of a proposal back
         * @description It is proposed again, as if nobody had decided.
         */
        delete: operations["reconsider_annotation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/annotations/{annotation_id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Bring a deleted annotation back
         * @description A superseded one comes back when what superseded it was deleted: together they undo an edit.
         */
        post: operations["restore_annotation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit-items/{item_id}/correction": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Hand in a corrected mask
         * @description Sending the same again changes nothing.
         */
        put: operations["correct_audit_entry"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit-items/{item_id}/lease": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Give an entry back
         * @description Somebody else may take it now.
         */
        delete: operations["release_audit_entry"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audits/{audit_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an audit's report */
        get: operations["read_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audits/{audit_id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Close an audit
         * @description No more corrections are taken; the report stays.
         */
        post: operations["close_audit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audits/{audit_id}/next": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take the next mask to correct
         * @description Leased to the caller, who gets the same one again (and the lease renewed) until it is handed in or given back.
         */
        post: operations["next_audit_entry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/categories/{category_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Retire a category
         * @description It can no longer be chosen; annotations that carry it keep it.
         */
        delete: operations["retire_category"];
        options?: never;
        head?: never;
        /** Change a category */
        patch: operations["change_category"];
        trace?: never;
    };
    "/api/embeddings/{encoder_digest}/{pixel_digest}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The embedding of an image
         * @description 404 `not_found` until a worker has made it; the event `embedding.ready` tells when.
         */
        get: operations["read_embedding"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happens, as it happens
         * @description Without `Last-Event-ID` the stream starts now; with it, nothing in between is missed. `data` holds `subject_id`,
         *     `project_id` and what the kind of event tells besides.
         */
        get: operations["listen"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/exports/{export_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an export's record */
        get: operations["read_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/exports/{export_id}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Fetch the archive */
        get: operations["read_archive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/generations/{generation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a generation */
        get: operations["read_generation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/generations/{generation_id}/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What became of each image */
        get: operations["list_generation_images"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/generations/{generation_id}/{action}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause, resume, cancel or retry a generation
         * @description What is written stays written. `retry` takes the images that failed or were passed over again.
         */
        post: operations["act_on_generation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the parts are there
         * @description Always 200 while the server itself works; `status` is `degraded` when a part is missing.
         */
        get: operations["read_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an image's record */
        get: operations["read_image"];
        put?: never;
        post?: never;
        /**
         * Erase an image
         * @description Its pixels are deleted when no other image has the same; the record stays and says so.
         */
        delete: operations["erase_image"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}/annotations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List an image's annotations
         * @description Accepted and proposed ones, oldest first.
         */
        get: operations["list_annotations"];
        put?: never;
        /**
         * Save an annotation
         * @description The client makes the id, so that sending again after a lost answer changes nothing.
         */
        post: operations["create_annotation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}/assignment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who holds an image */
        get: operations["read_assignment"];
        put?: never;
        /**
         * Take an image, or renew the lease on it
         * @description Saving masks does not need the lease: it keeps two people from working on one image unknowingly.
         */
        post: operations["take_image"];
        /**
         * Give an image back
         * @description Giving back what one does not hold is fine.
         */
        delete: operations["release_image"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Say that all objects are annotated */
        put: operations["set_complete"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}/pixels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The upright image
         * @description With `d` = the image's pixel digest in the address, the answer may be cached for ever.
         */
        get: operations["read_pixels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}/proposals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List an image's proposals
         * @description Of one source, best predicted IoU first. A limit that is given alone is the only one.
         */
        get: operations["list_proposals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}/proposals/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Accept an image's proposals
         * @description The confident ones that nobody flagged; again accepts none.
         */
        post: operations["accept_proposals"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/images/{image_id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A small version
         * @description With `d` = the image's pixel digest in the address, the answer may be cached for ever.
         */
        get: operations["read_thumbnail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a job */
        get: operations["read_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel a job */
        post: operations["cancel_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a dead job again */
        post: operations["retry_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is signed in */
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/model-versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the active model versions */
        get: operations["list_model_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/model-versions/{version_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a model version */
        get: operations["read_model_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/model-versions/{version_id}/decoder.onnx": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The decoder that runs in the browser */
        get: operations["read_decoder"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the active projects */
        get: operations["list_projects"];
        put?: never;
        /**
         * Create a project
         * @description The newest active model version serves the new project.
         */
        post: operations["create_project"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a project */
        get: operations["read_project"];
        put?: never;
        post?: never;
        /**
         * Archive a project
         * @description It leaves the list; nothing is erased.
         */
        delete: operations["archive_project"];
        options?: never;
        head?: never;
        /**
         * Change a project
         * @description Only the fields that are sent are changed. Another model version re-embeds the images in the background.
         */
        patch: operations["change_project"];
        trace?: never;
    };
    "/api/projects/{project_id}/assignments/next": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take the next image
         * @description The first image behind the one that is left, and nobody else gets it while the lease is renewed.
         */
        post: operations["take_next"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/audits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audits
         * @description Newest first, each with its figures so far.
         */
        get: operations["list_audits"];
        put?: never;
        /**
         * Start an audit
         * @description Draws automatic masks that stand, proposed or accepted; all of them if there are fewer.
         */
        post: operations["create_audit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/categories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the categories */
        get: operations["list_categories"];
        put?: never;
        /**
         * Add a category
         * @description A retired category of the same name comes back to life.
         */
        post: operations["create_category"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/detectors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List box detectors
         * @description Newest first.
         */
        get: operations["list_detectors"];
        put?: never;
        /**
         * Train a box detector
         * @description On the project's accepted masks; while one is being trained, the answer is that one.
         */
        post: operations["train_detector"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/effort": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what masks cost
         * @description Seconds (active and wall), clicks and brush edits per mask, masks per image, and what became of proposals.
         */
        get: operations["read_effort"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the exports
         * @description Newest first.
         */
        get: operations["list_exports"];
        put?: never;
        /**
         * Ask for an export
         * @description A worker builds it; the event `export.ready` tells when it can be fetched.
         */
        post: operations["create_export"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/generations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List generations
         * @description Newest first.
         */
        get: operations["list_generations"];
        put?: never;
        /**
         * Start automatic generation
         * @description Proposals that nobody touched are replaced by the new ones of the same source; what people decided stays.
         */
        post: operations["start_generation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List images in upload order */
        get: operations["list_images"];
        put?: never;
        /**
         * Upload images
         * @description Takes JPEG, PNG, WebP and TIFF. A file's name may hold its relative path. Each file is judged by itself: a
         *     broken or unsupported one is refused with its reason and the others go on; the same bytes twice are one image.
         */
        post: operations["upload_images"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List unfinished and dead jobs */
        get: operations["list_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a project's policy */
        get: operations["read_policy"];
        /**
         * Change a project's policy
         * @description The whole policy anew. A round that runs goes on with the policy that it began with.
         */
        put: operations["write_policy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/promotions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the moves of the active model version
         * @description Newest first; every move is here, whoever or whatever made it.
         */
        get: operations["list_promotions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/proposals/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See what limits would leave
         * @description Always the same sample of images, with all of their proposals and scores.
         */
        get: operations["preview_proposals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/rating-tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the rating tasks
         * @description Newest first, each with its report so far.
         */
        get: operations["list_rating_tasks"];
        put?: never;
        /**
         * Start a rating task
         * @description `stored` rates masks as they are; for `prompted` a worker asks model versions for one point's masks first.
         */
        post: operations["create_rating_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Roll back to an earlier model version
         * @description At once: only rows change. Untouched proposals of the left version are withdrawn; what people decided stays.
         */
        post: operations["roll_back"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/rounds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the rounds
         * @description Newest first.
         */
        get: operations["list_rounds"];
        put?: never;
        /**
         * Start a round
         * @description Workers freeze a snapshot, train and evaluate; `round.changed` tells of every step.
         *
         *     409 `round_unfinished`, `no_model`, `nothing_to_train` or `same_version`.
         */
        post: operations["start_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/rounds/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a round that began now would learn from
         * @description Counts all masks of the project by its policy; some seconds for very many.
         */
        get: operations["preview_round"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/stage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read where a project stands
         * @description The stage, the rule that leads out of it with its numbers, and what is new since the last round.
         */
        get: operations["read_stage"];
        put?: never;
        /**
         * Go to the next or the previous stage
         * @description One step, either way; it is kept in the history with the numbers of this moment.
         */
        post: operations["change_stage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{project_id}/stage/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the steps
         * @description Newest first.
         */
        get: operations["list_stage_changes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rating-guidelines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what raters are told */
        get: operations["read_rating_guidelines"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rating-items/{item_id}/lease": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Give a mask back unrated
         * @description Somebody else may take it now.
         */
        delete: operations["release_rating_entry"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rating-items/{item_id}/rating": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Rate a mask
         * @description One's own score can be changed while the task is open.
         */
        put: operations["rate_entry"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rating-tasks/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a rating task's report */
        get: operations["read_rating_task"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rating-tasks/{task_id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Close a rating task
         * @description No more ratings are taken; the report stays.
         */
        post: operations["close_rating_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rating-tasks/{task_id}/next": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take the next mask to rate
         * @description Leased to the caller, who gets the same one again (and the lease renewed) until it is rated or given back.
         */
        post: operations["next_rating_entry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rounds/{round_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a round */
        get: operations["read_round"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rounds/{round_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a round
         * @description Until it is judged; again is fine. 409 `round_state` otherwise.
         */
        post: operations["cancel_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rounds/{round_id}/evaluate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Compare the candidate with the active version
         * @description Also again, once another version became active. 409 `round_state` without a candidate to compare.
         */
        post: operations["evaluate_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rounds/{round_id}/promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Promote a round's candidate
         * @description With the gate report, or against it with a reason. Another encoder re-embeds the images in the background.
         */
        post: operations["promote_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rounds/{round_id}/reject": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reject a round's candidate
         * @description The candidate never serves.
         */
        post: operations["reject_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sign in with a one-time link
         * @description Opens a session and goes on to the start page. The link is printed when the server starts.
         */
        get: operations["login"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** Acceptance */
        Acceptance: {
            /**
             * All
             * @description Also those that are not confident.
             * @default false
             */
            all?: boolean;
            /** Min Predicted Iou */
            min_predicted_iou?: number | null;
            /** Min Stability */
            min_stability?: number | null;
            /**
             * Source
             * @description Left out: as the project's policy says.
             */
            source?: ("automatic" | "detector") | null;
        };
        /** Accepted */
        Accepted: {
            /** Accepted */
            accepted: number;
        };
        /** ActorName */
        ActorName: {
            /** Id */
            id: string;
            /** Name */
            name: string;
        };
        /** Annotation */
        Annotation: {
            /** Active Seconds */
            active_seconds: number;
            /** Actor Id */
            actor_id: string;
            /**
             * Area
             * @description Pixels.
             */
            area: number;
            /** Attributes */
            attributes: {
                [key: string]: unknown;
            };
            /**
             * Bbox
             * @description [x, y, width, height] in pixels.
             */
            bbox: number[];
            /** Brush Edits */
            brush_edits: number;
            /** Category Id */
            category_id: string | null;
            /**
             * Changed At
             * Format: date-time
             */
            changed_at: string;
            /** Chosen Candidate */
            chosen_candidate: number | null;
            /**
             * Counts
             * @description Compressed COCO run lengths.
             */
            counts: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Decided At */
            decided_at: string | null;
            /**
             * Decided By Id
             * @description Who accepted or rejected this proposal.
             */
            decided_by_id: string | null;
            /**
             * Flag
             * @description What a person finds wrong with it.
             */
            flag: string | null;
            /**
             * Generation Id
             * @description The run of the model that proposed it.
             */
            generation_id: string | null;
            /** Id */
            id: string;
            /** Image Id */
            image_id: string;
            /** Model Version Id */
            model_version_id: string | null;
            /** Parent Id */
            parent_id: string | null;
            /** Predicted Iou */
            predicted_iou: number | null;
            /** Prompts */
            prompts: (components["schemas"]["PointPrompt"] | components["schemas"]["BoxPrompt"] | components["schemas"]["MaskPrompt"])[];
            /** Revision */
            revision: number;
            /**
             * Size
             * @description [height, width] of the image.
             */
            size: number[];
            /**
             * Source
             * @enum {string}
             */
            source: "click" | "box" | "brush" | "polygon" | "proposal" | "automatic" | "detector" | "import";
            /** Stability */
            stability: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "accepted" | "proposed" | "rejected" | "superseded" | "deleted" | "withdrawn";
            /** Supersedes Id */
            supersedes_id: string | null;
            /** Wall Seconds */
            wall_seconds: number;
        };
        /**
         * AnnotationChange
         * @example {
         *       "revision": 1
         *     }
         */
        AnnotationChange: {
            /** Attributes */
            attributes?: {
                [key: string]: unknown;
            } | null;
            /**
             * Category Id
             * @description Null takes the category away; leave out to keep it.
             */
            category_id?: string | null;
            /**
             * Flag
             * @description What is wrong with it, for others to see; null takes the flag away.
             */
            flag?: string | null;
            /**
             * Revision
             * @description The revision that was seen; another one answers 409 `stale_revision`.
             */
            revision: number;
        };
        /**
         * AnnotationIn
         * @example {
         *       "chosen_candidate": 2,
         *       "counts": "0l1Td4",
         *       "id": "0b8f6f0e-5d0e-4c61-9f7d-0c3f3a6f1d52",
         *       "predicted_iou": 0.93,
         *       "prompts": [
         *         {
         *           "at_ms": 0,
         *           "kind": "point",
         *           "label": 1,
         *           "x": 0.5,
         *           "y": 30
         *         }
         *       ],
         *       "size": [
         *         60,
         *         80
         *       ],
         *       "source": "click"
         *     }
         */
        AnnotationIn: {
            /**
             * Active Seconds
             * @default 0
             */
            active_seconds?: number;
            /**
             * Attributes
             * @description Anything small that belongs to the object (at most 16 KiB).
             */
            attributes?: {
                [key: string]: unknown;
            };
            /**
             * Brush Edits
             * @default 0
             */
            brush_edits?: number;
            /** Category Id */
            category_id?: string | null;
            /** Chosen Candidate */
            chosen_candidate?: number | null;
            /**
             * Counts
             * @description Compressed COCO run lengths.
             */
            counts: string;
            /**
             * Id
             * @description Made by the client: sending the same annotation twice gives the same answer.
             */
            id: string;
            /** Model Version Id */
            model_version_id?: string | null;
            /**
             * Parent Id
             * @description The whole of which this is a part.
             */
            parent_id?: string | null;
            /** Predicted Iou */
            predicted_iou?: number | null;
            /** Prompts */
            prompts?: (components["schemas"]["PointPrompt"] | components["schemas"]["BoxPrompt"] | components["schemas"]["MaskPrompt"])[];
            /**
             * Size
             * @description [height, width] of the image.
             */
            size: number[];
            /**
             * Source
             * @enum {string}
             */
            source: "click" | "box" | "brush" | "polygon" | "proposal" | "automatic" | "detector" | "import";
            /** Stability */
            stability?: number | null;
            /**
             * Supersedes Id
             * @description The annotation that this one replaces.
             */
            supersedes_id?: string | null;
            /**
             * Wall Seconds
             * @default 0
             */
            wall_seconds?: number;
        };
        /** AnnotationList */
        AnnotationList: {
            /** Annotations */
            annotations: components["schemas"]["Annotation"][];
        };
        /** Assignment */
        Assignment: {
            /** @description Who works on the image now; null: nobody. */
            holder: components["schemas"]["Holder"] | null;
            /** Image Id */
            image_id: string;
            /**
             * Lease Expires At
             * @description Renew before this time by taking the image again.
             */
            lease_expires_at: string | null;
            /** Mine */
            mine: boolean;
        };
        /** Audit */
        Audit: {
            /** Bars */
            bars: components["schemas"]["AuditBar"][];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Done Count */
            done_count: number;
            /** Figures */
            figures: components["schemas"]["Figure"][];
            /** Generation Id */
            generation_id: string | null;
            /** Id */
            id: string;
            /**
             * Leased Count
             * @description Entries that somebody corrects now.
             */
            leased_count: number;
            /** Project Id */
            project_id: string;
            /** Sample Size */
            sample_size: number;
            /** Seed */
            seed: number;
            /**
             * Sizes
             * @description The share above IoU 0.90 by the automatic mask's size, in COCO's bounds.
             */
            sizes: components["schemas"]["Figure"][];
            /**
             * State
             * @enum {string}
             */
            state: "open" | "closed";
        };
        /** AuditBar */
        AuditBar: {
            /** Iou Above */
            iou_above: number;
            /** Published */
            published: number;
            /**
             * Reaches Published
             * @description Whether the whole interval lies above (below) the published share; null: it holds it.
             */
            reaches_published: boolean | null;
            share: components["schemas"]["Figure"];
        };
        /**
         * AuditEntry
         * @description An automatic mask to correct to the pixel.
         */
        AuditEntry: {
            /** Audit Id */
            audit_id: string;
            /**
             * Bbox
             * @description [x, y, width, height] in pixels.
             */
            bbox: number[];
            /**
             * Counts
             * @description The automatic mask, in compressed COCO run lengths.
             */
            counts: string;
            /** Id */
            id: string;
            /** Image Id */
            image_id: string;
            /**
             * Lease Expires At
             * Format: date-time
             */
            lease_expires_at: string;
            /**
             * Prompts
             * @description What the mask was made from.
             */
            prompts: (components["schemas"]["PointPrompt"] | components["schemas"]["BoxPrompt"] | components["schemas"]["MaskPrompt"])[];
            /**
             * Size
             * @description [height, width] of the image.
             */
            size: number[];
        };
        /** AuditIn */
        AuditIn: {
            /**
             * Generation Id
             * @description Only masks of this run of automatic generation.
             */
            generation_id?: string | null;
            /** Sample Size */
            sample_size: number;
            /** Seed */
            seed?: number | null;
        };
        /** AuditList */
        AuditList: {
            /** Audits */
            audits: components["schemas"]["Audit"][];
        };
        /** BoxPrompt */
        BoxPrompt: {
            /**
             * At Ms
             * @description Milliseconds since the first prompt of this mask.
             * @default 0
             */
            at_ms?: number;
            /**
             * Candidate
             * @description What was shown after this prompt.
             */
            candidate?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "box";
            /** X0 */
            x0: number;
            /** X1 */
            x1: number;
            /** Y0 */
            y0: number;
            /** Y1 */
            y1: number;
        };
        /** Category */
        Category: {
            /**
             * Colour
             * @description Index into the palette of twelve.
             */
            colour: number;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Position */
            position: number;
            /** Project Id */
            project_id: string;
            /** Supercategory */
            supercategory: string;
        };
        /** CategoryChange */
        CategoryChange: {
            /** Colour */
            colour?: number | null;
            /** Name */
            name?: string | null;
            /** Position */
            position?: number | null;
            /** Supercategory */
            supercategory?: string | null;
        };
        /** CategoryIn */
        CategoryIn: {
            /**
             * Colour
             * @description Without it, the next free colour.
             */
            colour?: number | null;
            /**
             * Name
             * @example car
             */
            name: string;
            /**
             * Supercategory
             * @default
             */
            supercategory?: string;
        };
        /** CategoryList */
        CategoryList: {
            /** Categories */
            categories: components["schemas"]["Category"][];
        };
        /** Completeness */
        Completeness: {
            /** Complete */
            complete: boolean;
        };
        /** Condition */
        Condition: {
            /** Met */
            met: boolean;
            /**
             * Name
             * @enum {string}
             */
            name: "masks" | "rounds" | "acceptance" | "audit";
            /** Needed */
            needed: number;
            /**
             * Now
             * @description Null while too little was observed for a share.
             */
            now: number | null;
        };
        /** ConfidentPolicy */
        ConfidentPolicy: {
            /** Min Predicted Iou */
            min_predicted_iou: number | null;
            /** Min Stability */
            min_stability: number | null;
            /**
             * Source
             * @enum {string}
             */
            source: "automatic" | "detector";
        };
        /** Corrected */
        Corrected: {
            /** Iou */
            iou: number;
        };
        /** Correction */
        Correction: {
            /**
             * Counts
             * @description The right mask; null: there is no object (IoU 0).
             */
            counts: string | null;
            /**
             * Seconds
             * @description Active time of this correction.
             */
            seconds: number;
        };
        /** Detector */
        Detector: {
            /**
             * Changed At
             * Format: date-time
             */
            changed_at: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Encoder Digest */
            encoder_digest: string;
            /** Failure */
            failure: string | null;
            /**
             * Figures
             * @description AP50, AP and recall of its boxes on images held out.
             */
            figures: {
                [key: string]: unknown;
            };
            /** Id */
            id: string;
            /** Project Id */
            project_id: string;
            /** Round Id */
            round_id: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "training" | "ready" | "failed";
        };
        /** DetectorIn */
        DetectorIn: {
            /**
             * Minutes
             * @description Length of the training.
             * @default 3
             */
            minutes?: number;
        };
        /** DetectorList */
        DetectorList: {
            /** Detectors */
            detectors: components["schemas"]["Detector"][];
        };
        /** EffortRow */
        EffortRow: {
            /** Figures */
            figures: components["schemas"]["Figure"][];
            /** Image Count */
            image_count: number;
            /**
             * Key
             * @description The stage, the model version's id or the person's; null: none is named.
             */
            key: string | null;
            /**
             * Mask Count
             * @description Masks that stand: begun here, or proposals accepted as they are.
             */
            mask_count: number;
            /** Name */
            name: string;
            /**
             * Round
             * @description The round that made this model version.
             */
            round: number | null;
        };
        /** EffortTable */
        EffortTable: {
            /** Annotators */
            annotators: components["schemas"]["EffortRow"][];
            /** Stages */
            stages: components["schemas"]["EffortRow"][];
            /** Versions */
            versions: components["schemas"]["EffortRow"][];
        };
        /** EmbeddingState */
        EmbeddingState: {
            /**
             * Encoder Digest
             * @description Of the project's active model version.
             */
            encoder_digest: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "ready" | "failed" | "none";
        };
        /** Export */
        Export: {
            /** Byte Size */
            byte_size: number | null;
            counts: components["schemas"]["ExportCounts"];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Digest
             * @description SHA-256 of the archive.
             */
            digest: string | null;
            /** Failure */
            failure: string | null;
            /** Format */
            format: string;
            /** Id */
            id: string;
            /** Project Id */
            project_id: string;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "ready" | "failed";
            /** With Images */
            with_images: boolean;
        };
        /** ExportCounts */
        ExportCounts: {
            /**
             * Annotations
             * @default 0
             */
            annotations?: number;
            /**
             * Categories
             * @default 0
             */
            categories?: number;
            /**
             * Images
             * @default 0
             */
            images?: number;
        };
        /** ExportIn */
        ExportIn: {
            /**
             * Format
             * @default coco-rle
             * @constant
             */
            format?: "coco-rle";
            /**
             * With Images
             * @default false
             */
            with_images?: boolean;
        };
        /** ExportList */
        ExportList: {
            /** Exports */
            exports: components["schemas"]["Export"][];
        };
        /**
         * Figure
         * @description A number with its interval: 95 %, unless it says otherwise.
         */
        Figure: {
            /** High */
            high: number | null;
            /** Low */
            low: number | null;
            /**
             * N
             * @description Observations.
             */
            n: number;
            /** Name */
            name: string;
            /**
             * Paper
             * @description What the Segment Anything paper published under this name.
             */
            paper: string | null;
            /**
             * Unit
             * @enum {string}
             */
            unit: "share" | "seconds" | "hours" | "count" | "score";
            /**
             * Value
             * @description Null when nothing was observed yet.
             */
            value: number | null;
        };
        /** GatePolicy */
        GatePolicy: {
            /**
             * Clicks
             * @description How many clicks more may be needed, by the upper end of the interval.
             */
            clicks: number;
            /**
             * Held Out Images
             * @description With fewer held-out images a round proves nothing.
             */
            held_out_images: number;
            /**
             * Mask Count
             * @description Share by which the number of automatic masks may differ.
             */
            mask_count: number;
            /** Parity Iou */
            parity_iou: number;
            /** Parity Logits */
            parity_logits: number;
            /**
             * Points
             * @description What mIoU may lose at most, in hundredths, by the lower end of the interval.
             */
            points: number;
            /**
             * Slice Masks
             * @description Smaller slices are not judged.
             */
            slice_masks: number;
            /**
             * Slice Points
             * @description What mIoU may lose at most in any slice, in hundredths.
             */
            slice_points: number;
        };
        /** Generation */
        Generation: {
            /**
             * Actor Id
             * @description Null where it began by itself, with another model version.
             */
            actor_id: string | null;
            /**
             * Changed At
             * Format: date-time
             */
            changed_at: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Done Count */
            done_count: number;
            /** Failed Count */
            failed_count: number;
            /** Id */
            id: string;
            /** Image Count */
            image_count: number;
            /**
             * Images Per Minute
             * @description At the number of workers that are at it now.
             */
            images_per_minute: number | null;
            /**
             * Mask Count
             * @description Proposals that it made.
             */
            mask_count: number;
            /** Model Version Id */
            model_version_id: string;
            /** Project Id */
            project_id: string;
            /**
             * Reason
             * @description Why it was cancelled, where no person did that.
             */
            reason: string;
            /**
             * Seconds
             * @description Time of work, of all workers together.
             */
            seconds: number;
            /**
             * Seconds Left
             * @description Null when nobody works on it or nothing is known yet.
             */
            seconds_left: number | null;
            /**
             * Settings
             * @description All settings as they were used.
             */
            settings: {
                [key: string]: unknown;
            };
            /**
             * Skipped Count
             * @description Erased meanwhile, or held by somebody when its turn came.
             */
            skipped_count: number;
            /**
             * Source
             * @enum {string}
             */
            source: "automatic" | "detector";
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "paused" | "cancelled" | "done";
            /** Waiting Count */
            waiting_count: number;
        };
        /** GenerationImage */
        GenerationImage: {
            /** Failure */
            failure: string | null;
            /** File Name */
            file_name: string;
            /** Image Id */
            image_id: string;
            /** Mask Count */
            mask_count: number;
            /** Seconds */
            seconds: number;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "done" | "failed" | "skipped";
        };
        /** GenerationImageList */
        GenerationImageList: {
            /** Images */
            images: components["schemas"]["GenerationImage"][];
            /**
             * Next
             * @description `after` of the next page; null at the end.
             */
            next: string | null;
        };
        /** GenerationIn */
        GenerationIn: {
            /**
             * Images
             * @description `empty`: without an accepted annotation; `unfinished`: not complete.
             * @default all
             * @enum {string}
             */
            images?: "all" | "empty" | "unfinished";
            /**
             * Min Box Score
             * @description Of a detector's boxes.
             * @default 0.3
             */
            min_box_score?: number;
            /**
             * Model Version Id
             * @description Left out: the project's active version.
             */
            model_version_id?: string | null;
            settings?: components["schemas"]["GenerationSettings"];
            /**
             * Source
             * @description A grid of points, or the boxes of the project's detector.
             * @default automatic
             * @enum {string}
             */
            source?: "automatic" | "detector";
        };
        /** GenerationList */
        GenerationList: {
            /** Generations */
            generations: components["schemas"]["Generation"][];
        };
        /**
         * GenerationSettings
         * @description Fields of the automatic mask generator; what is left out is as the preset of the model's family has it.
         */
        GenerationSettings: {
            /**
             * Box Nms Thresh
             * @description Of two that overlap more, one goes.
             */
            box_nms_thresh?: number | null;
            /**
             * Crop N Layers
             * @description Looks again at 4 and 16 crops.
             */
            crop_n_layers?: number | null;
            /**
             * Max Mask Share
             * @description Larger masks go; share of the image.
             */
            max_mask_share?: number | null;
            /**
             * Min Mask Area
             * @description Smaller masks go; pixels.
             */
            min_mask_area?: number | null;
            /**
             * Min Mask Region Area
             * @description Pixels of holes, islands.
             */
            min_mask_region_area?: number | null;
            /** Nms */
            nms?: ("box" | "mask") | null;
            /**
             * Points Per Side
             * @description Of the grid of points.
             */
            points_per_side?: number | null;
            /**
             * Pred Iou Thresh
             * @description Masks predicted worse go; 0: none.
             */
            pred_iou_thresh?: number | null;
            /**
             * Stability Score Thresh
             * @description Less stable ones go; 0: none.
             */
            stability_score_thresh?: number | null;
        };
        /** Health */
        Health: {
            /** Database */
            database: boolean;
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "degraded";
            /** Storage */
            storage: boolean;
            /** Version */
            version: string;
            worker: components["schemas"]["WorkerHealth"];
        };
        /** Holder */
        Holder: {
            /** Actor Id */
            actor_id: string;
            /** Name */
            name: string;
        };
        /** Image */
        Image: {
            /** Annotation Count */
            annotation_count: number;
            /** Complete */
            complete: boolean;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            embedding: components["schemas"]["EmbeddingState"];
            /**
             * Failure
             * @description Why the image could not be read.
             */
            failure: string | null;
            /** File Digest */
            file_digest: string;
            /**
             * File Name
             * @description As uploaded, with the relative path of its folder.
             */
            file_name: string;
            /** Group Key */
            group_key: string;
            /** Height */
            height: number | null;
            /** Id */
            id: string;
            /** Pixel Digest */
            pixel_digest: string | null;
            /** Position */
            position: number;
            /** Project Id */
            project_id: string;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "ready" | "failed" | "erased";
            /** Width */
            width: number | null;
        };
        /** ImagePage */
        ImagePage: {
            /** Images */
            images: components["schemas"]["Image"][];
            /**
             * Next
             * @description Give this as `after` to get the next page; null on the last.
             */
            next: string | null;
            /** Total */
            total: number;
        };
        /** Job */
        Job: {
            /** Attempts */
            attempts: number;
            /**
             * Changed At
             * Format: date-time
             */
            changed_at: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Done Count */
            done_count: number;
            /** Failure */
            failure: string | null;
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /** Message */
            message: string;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "done" | "dead" | "cancelled";
            /** Total Count */
            total_count: number;
        };
        /** JobList */
        JobList: {
            /** Jobs */
            jobs: components["schemas"]["Job"][];
        };
        /** MaskPrompt */
        MaskPrompt: {
            /**
             * At Ms
             * @description Milliseconds since the first prompt of this mask.
             * @default 0
             */
            at_ms?: number;
            /**
             * Candidate
             * @description What was shown after this prompt.
             */
            candidate?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "mask";
        };
        /** Me */
        Me: {
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "person" | "token" | "model";
            /** Name */
            name: string;
        };
        /** ModelVersion */
        ModelVersion: {
            /** Digest */
            digest: string;
            /** Encoder Digest */
            encoder_digest: string;
            /** Id */
            id: string;
            /**
             * Manifest
             * @description The release's own release.json.
             */
            manifest: {
                [key: string]: unknown;
            };
            /** Name */
            name: string;
            /** Version */
            version: string;
        };
        /** ModelVersionList */
        ModelVersionList: {
            /** Model Versions */
            model_versions: components["schemas"]["ModelVersion"][];
        };
        /** NextIn */
        NextIn: {
            /**
             * After
             * @description The image to leave; the search goes on behind it.
             */
            after?: string | null;
            /**
             * Skip
             * @description Do not offer the image that is left to me again.
             * @default false
             */
            skip?: boolean;
        };
        /** PointPrompt */
        PointPrompt: {
            /**
             * At Ms
             * @description Milliseconds since the first prompt of this mask.
             * @default 0
             */
            at_ms?: number;
            /**
             * Candidate
             * @description What was shown after this prompt.
             */
            candidate?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "point";
            /**
             * Label
             * @description 1 adds to the mask, 0 takes away; 2, 3: a box's corners; -1: padding.
             * @enum {integer}
             */
            label: -1 | 0 | 1 | 2 | 3;
            /** X */
            x: number;
            /** Y */
            y: number;
        };
        /** PolicyIn */
        PolicyIn: {
            /**
             * Policy
             * @description The policy anew, in the form in which it is read; what is left out gets its default.
             * @example {
             *       "stages": {
             *         "advance": "automatic"
             *       },
             *       "trigger": {
             *         "every_masks": 200
             *       }
             *     }
             */
            policy: {
                [key: string]: unknown;
            };
        };
        /**
         * Preview
         * @description All proposals of a sample with their scores, so that a page can move the limits without asking again.
         */
        Preview: {
            /** Images */
            images: components["schemas"]["PreviewImage"][];
            /** Kept */
            kept: number;
            /** Min Predicted Iou */
            min_predicted_iou: number | null;
            /** Min Stability */
            min_stability: number | null;
            /**
             * Source
             * @enum {string}
             */
            source: "automatic" | "detector";
            /** Total */
            total: number;
        };
        /** PreviewImage */
        PreviewImage: {
            /** Image Id */
            image_id: string;
            /** Kept */
            kept: number;
            /**
             * Proposals
             * @description Best predicted IoU first.
             */
            proposals: components["schemas"]["Proposal"][];
        };
        /**
         * Problem
         * @description The one form of every error.
         */
        Problem: {
            /**
             * Detail
             * @description One sentence for people.
             * @example There is no such image.
             */
            detail: string;
            /**
             * Error
             * @description Stable code for programs.
             * @example not_found
             */
            error: string;
        };
        /** Project */
        Project: {
            /**
             * Active Version Id
             * @description The model version that serves this project.
             */
            active_version_id: string | null;
            /**
             * Annotated Image Count
             * @description Images with at least one accepted annotation.
             */
            annotated_image_count: number;
            /**
             * Annotation Count
             * @description Accepted annotations.
             */
            annotation_count: number;
            /** Categories */
            categories: components["schemas"]["Category"][];
            /**
             * Changed At
             * Format: date-time
             */
            changed_at: string;
            /** Complete Image Count */
            complete_image_count: number;
            /**
             * Cover Image Ids
             * @description Up to four images that are ready to show.
             */
            cover_image_ids: string[];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Description */
            description: string;
            /**
             * Embedded Image Count
             * @description Images whose embedding for the active version is ready.
             */
            embedded_image_count: number;
            /** Failed Image Count */
            failed_image_count: number;
            /** Id */
            id: string;
            /** Image Count */
            image_count: number;
            /** Name */
            name: string;
            /**
             * Queued Image Count
             * @description Images that wait to be read.
             */
            queued_image_count: number;
            /** Revision */
            revision: number;
            /**
             * Stage
             * @enum {string}
             */
            stage: "assisted_manual" | "semi_automatic" | "fully_automatic";
        };
        /** ProjectChange */
        ProjectChange: {
            /** Active Version Id */
            active_version_id?: string | null;
            /** Description */
            description?: string | null;
            /** Name */
            name?: string | null;
            /**
             * Revision
             * @description Refuse the change when the project has moved on.
             */
            revision?: number | null;
        };
        /** ProjectIn */
        ProjectIn: {
            /**
             * Description
             * @default
             */
            description?: string;
            /**
             * Name
             * @example Street scenes
             */
            name: string;
        };
        /** ProjectList */
        ProjectList: {
            /** Projects */
            projects: components["schemas"]["Project"][];
        };
        /** ProjectPolicy */
        ProjectPolicy: {
            confident: components["schemas"]["ConfidentPolicy"];
            gates: components["schemas"]["GatePolicy"];
            /**
             * Promotion
             * @description Whether a round that passes every gate is promoted by itself.
             * @enum {string}
             */
            promotion: "manual" | "automatic";
            proposals: components["schemas"]["ProposingPolicy"];
            stages: components["schemas"]["StagePolicy"];
            training: components["schemas"]["TrainingPolicy"];
            trigger: components["schemas"]["TriggerPolicy"];
        };
        /** ProjectStage */
        ProjectStage: {
            /**
             * Acceptance
             * @description Share of the decided proposals that were accepted; null: too few.
             */
            acceptance: number | null;
            /**
             * Advance
             * @enum {string}
             */
            advance: "manual" | "automatic";
            numbers: components["schemas"]["StageNumbers"];
            rule: components["schemas"]["StageRule"];
            /**
             * Since
             * Format: date-time
             */
            since: string;
            since_last_round: components["schemas"]["SinceLastRound"];
            /**
             * Stage
             * @enum {string}
             */
            stage: "assisted_manual" | "semi_automatic" | "fully_automatic";
        };
        /** PromoteIn */
        PromoteIn: {
            /**
             * Reason
             * @description Needed where the gate report does not recommend the candidate.
             * @default
             */
            reason?: string;
            /**
             * Seen Version Id
             * @description Against the report: the active version that the page showed.
             */
            seen_version_id?: string | null;
        };
        /**
         * Promotion
         * @description The active model version of a project moved.
         */
        Promotion: {
            /** @description Null: the policy, or the first model version of the installation. */
            actor: components["schemas"]["ActorName"] | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            from_version: components["schemas"]["VersionName"] | null;
            /** From Version Id */
            from_version_id: string | null;
            /** Id */
            id: string;
            /**
             * Kind
             * @description `promotion`: with the gate report; `override`: against it; `manual`: outside of rounds.
             * @enum {string}
             */
            kind: "promotion" | "override" | "rollback" | "manual";
            /** Reason */
            reason: string;
            /** Round Id */
            round_id: string | null;
            /** Round Number */
            round_number: number | null;
            to_version: components["schemas"]["VersionName"];
            /** To Version Id */
            to_version_id: string;
            /**
             * Trained From Id
             * @description The version that this round's candidate was trained from.
             */
            trained_from_id: string | null;
        };
        /** PromotionList */
        PromotionList: {
            /** Promotions */
            promotions: components["schemas"]["Promotion"][];
        };
        /** Proposal */
        Proposal: {
            /** Active Seconds */
            active_seconds: number;
            /** Actor Id */
            actor_id: string;
            /**
             * Area
             * @description Pixels.
             */
            area: number;
            /** Attributes */
            attributes: {
                [key: string]: unknown;
            };
            /**
             * Bbox
             * @description [x, y, width, height] in pixels.
             */
            bbox: number[];
            /** Brush Edits */
            brush_edits: number;
            /** Category Id */
            category_id: string | null;
            /**
             * Changed At
             * Format: date-time
             */
            changed_at: string;
            /** Chosen Candidate */
            chosen_candidate: number | null;
            /**
             * Confident
             * @description Whether its scores reach the limits.
             */
            confident: boolean;
            /**
             * Counts
             * @description Compressed COCO run lengths.
             */
            counts: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Decided At */
            decided_at: string | null;
            /**
             * Decided By Id
             * @description Who accepted or rejected this proposal.
             */
            decided_by_id: string | null;
            /**
             * Flag
             * @description What a person finds wrong with it.
             */
            flag: string | null;
            /**
             * Generation Id
             * @description The run of the model that proposed it.
             */
            generation_id: string | null;
            /** Id */
            id: string;
            /** Image Id */
            image_id: string;
            /** Model Version Id */
            model_version_id: string | null;
            /** Parent Id */
            parent_id: string | null;
            /** Predicted Iou */
            predicted_iou: number | null;
            /** Prompts */
            prompts: (components["schemas"]["PointPrompt"] | components["schemas"]["BoxPrompt"] | components["schemas"]["MaskPrompt"])[];
            /** Revision */
            revision: number;
            /**
             * Size
             * @description [height, width] of the image.
             */
            size: number[];
            /**
             * Source
             * @enum {string}
             */
            source: "click" | "box" | "brush" | "polygon" | "proposal" | "automatic" | "detector" | "import";
            /** Stability */
            stability: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "accepted" | "proposed" | "rejected" | "superseded" | "deleted" | "withdrawn";
            /** Supersedes Id */
            supersedes_id: string | null;
            /** Wall Seconds */
            wall_seconds: number;
        };
        /** ProposalList */
        ProposalList: {
            /** Min Predicted Iou */
            min_predicted_iou: number | null;
            /** Min Stability */
            min_stability: number | null;
            /** Proposals */
            proposals: components["schemas"]["Proposal"][];
            /**
             * Source
             * @enum {string}
             */
            source: "automatic" | "detector";
        };
        /** ProposingPolicy */
        ProposingPolicy: {
            /**
             * By Itself
             * @description New proposals when another version serves, from the semi-automatic stage on.
             */
            by_itself: boolean;
            /**
             * Min Box Score
             * @description Of a detector's boxes.
             */
            min_box_score: number;
            /**
             * Points Per Side
             * @description Of the grid of points; null: as the model's family has it.
             */
            points_per_side: number | null;
        };
        /** RatedSource */
        RatedSource: {
            /**
             * Histogram
             * @description How often 1, 2, ... 10 was given.
             */
            histogram: number[];
            mean: components["schemas"]["Figure"];
            /** Name */
            name: string;
            /**
             * Source
             * @description `people`, or the id of a model version.
             */
            source: string;
        };
        /** RatingComparison */
        RatingComparison: {
            /** Bootstrap High */
            bootstrap_high: number;
            /**
             * Bootstrap Low
             * @description Of the 99 % interval over 10,000 resamples of the pairs.
             */
            bootstrap_low: number;
            /** @description First minus second on the objects that both segmented. */
            difference: components["schemas"]["Figure"];
            /** First */
            first: string;
            /**
             * P Value
             * @description Of the paired t-test, two-sided.
             */
            p_value: number;
            /** Second */
            second: string;
        };
        /**
         * RatingEntry
         * @description A mask to rate, without a word of where it comes from.
         */
        RatingEntry: {
            /**
             * Bbox
             * @description [x, y, width, height] in pixels.
             */
            bbox: number[];
            /**
             * Counts
             * @description Compressed COCO run lengths.
             */
            counts: string;
            /** Id */
            id: string;
            /** Image Id */
            image_id: string;
            /**
             * Lease Expires At
             * Format: date-time
             */
            lease_expires_at: string;
            /** Prompt */
            prompt: components["schemas"]["PointPrompt"] | components["schemas"]["BoxPrompt"] | null;
            /** Rating Task Id */
            rating_task_id: string;
            /**
             * Size
             * @description [height, width] of the image.
             */
            size: number[];
            /** Views */
            views: components["schemas"]["RatingView"][];
        };
        /** RatingGuidelines */
        RatingGuidelines: {
            /** Errors */
            errors: string[];
            /**
             * No Errors
             * @description What is no error.
             */
            no_errors: string[];
            /** Questions */
            questions: string[];
            /** Scale */
            scale: components["schemas"]["ScaleStep"][];
            /** Version */
            version: string;
        };
        /** RatingIn */
        RatingIn: {
            /** Score */
            score: number;
            /**
             * Seconds
             * @description Time that this mask was looked at.
             */
            seconds: number;
        };
        /** RatingTask */
        RatingTask: {
            /** Comparisons */
            comparisons: components["schemas"]["RatingComparison"][];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Failure */
            failure: string | null;
            /**
             * Figures
             * @description Agreement between raters, seconds per rating.
             */
            figures: components["schemas"]["Figure"][];
            /** Guidelines Version */
            guidelines_version: string;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "stored" | "prompted";
            /** Mask Count */
            mask_count: number;
            /** Name */
            name: string;
            /** Project Id */
            project_id: string;
            /** Raters Per Mask */
            raters_per_mask: number;
            /** Rating Count */
            rating_count: number;
            /** Seed */
            seed: number;
            /**
             * Sources
             * @description Those that have ratings.
             */
            sources: components["schemas"]["RatedSource"][];
            /**
             * State
             * @enum {string}
             */
            state: "preparing" | "open" | "closed" | "failed";
        };
        /** RatingTaskIn */
        RatingTaskIn: {
            /**
             * Kind
             * @description `stored`: masks as they are. `prompted`: masks of people, and what versions make of a point.
             * @enum {string}
             */
            kind: "stored" | "prompted";
            /**
             * Masks
             * @description Masks of each source.
             */
            masks: number;
            /** Name */
            name: string;
            /**
             * Raters Per Mask
             * @default 1
             */
            raters_per_mask?: number;
            /** Seed */
            seed?: number | null;
            /**
             * Sources
             * @description `people`, and ids of model versions.
             */
            sources: ("people" | string)[];
        };
        /** RatingTaskList */
        RatingTaskList: {
            /** Rating Tasks */
            rating_tasks: components["schemas"]["RatingTask"][];
        };
        /**
         * RatingView
         * @description One of five pictures of a mask.
         */
        RatingView: {
            /**
             * Crop
             * @description [x, y, width, height]: the part of the image to show.
             */
            crop: number[];
            /**
             * Mask
             * @enum {string}
             */
            mask: "none" | "red_overlay" | "yellow_on_purple";
            /** Name */
            name: string;
            /**
             * Picture
             * @description Whether the image is drawn.
             */
            picture: boolean;
            /**
             * Prompt
             * @description Whether the prompt, if there is one, is drawn: a blue dot, a blue and white box.
             */
            prompt: boolean;
        };
        /** Refusal */
        Refusal: {
            /**
             * Code
             * @example truncated
             */
            code: string;
            /** File Name */
            file_name: string;
            /**
             * Reason
             * @example The file is cut off: it ends before the picture does.
             */
            reason: string;
        };
        /** RejectIn */
        RejectIn: {
            /**
             * Reason
             * @default
             */
            reason?: string;
        };
        /** RollbackIn */
        RollbackIn: {
            /** Reason */
            reason: string;
            /**
             * Seen Version Id
             * @description The active version that the page showed.
             */
            seen_version_id?: string | null;
            /**
             * To Version Id
             * @description Any version that served before; default: the last.
             */
            to_version_id?: string | null;
        };
        /** Round */
        Round: {
            /** @description The version it went on from, and was compared with. */
            base_version: components["schemas"]["VersionName"] | null;
            candidate_version: components["schemas"]["VersionName"] | null;
            /** Decided By */
            decided_by: string | null;
            /** Decision */
            decision: ("promote" | "reject" | "insufficient_evidence") | null;
            /** Ended At */
            ended_at: string | null;
            /** Failure */
            failure: string | null;
            /**
             * Figures
             * @description What is known so far: `counts`, `training`, and after the evaluation `held_out` of both versions.
             */
            figures: {
                [key: string]: unknown;
            };
            /**
             * Gate Report
             * @description {decision, overridable, words, gates: [{name, kind, passed, words, figures}]}
             */
            gate_report: {
                [key: string]: unknown;
            } | null;
            /** Id */
            id: string;
            /** Number */
            number: number;
            /**
             * Policy
             * @description The project's policy as it was when the round began.
             */
            policy: {
                [key: string]: unknown;
            };
            /** Project Id */
            project_id: string;
            /** Reason */
            reason: string;
            /** Snapshot Id */
            snapshot_id: string | null;
            /** Started At */
            started_at: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "frozen" | "training" | "trained" | "evaluating" | "judged" | "promoted" | "rejected" | "failed" | "cancelled";
            /**
             * Steps
             * @enum {string}
             */
            steps: "all" | "train";
            /**
             * Trigger
             * @enum {string}
             */
            trigger: "admin" | "masks" | "schedule" | "simulation";
        };
        /**
         * RoundCounts
         * @description What a round would learn from, and be judged by.
         */
        RoundCounts: {
            /** Automatic Masks */
            automatic_masks: number;
            /** Held Out Images */
            held_out_images: number;
            /** Held Out Masks */
            held_out_masks: number;
            /** Human Masks */
            human_masks: number;
            /** Train Images */
            train_images: number;
        };
        /** RoundDetail */
        RoundDetail: {
            /** @description The version it went on from, and was compared with. */
            base_version: components["schemas"]["VersionName"] | null;
            candidate_version: components["schemas"]["VersionName"] | null;
            /**
             * Curve
             * @description Training so far, a row every few steps: step, progress, loss, learning_rate and more.
             */
            curve: {
                [key: string]: unknown;
            }[];
            /** Decided By */
            decided_by: string | null;
            /** Decision */
            decision: ("promote" | "reject" | "insufficient_evidence") | null;
            /** Ended At */
            ended_at: string | null;
            /** Failure */
            failure: string | null;
            /**
             * Figures
             * @description What is known so far: `counts`, `training`, and after the evaluation `held_out` of both versions.
             */
            figures: {
                [key: string]: unknown;
            };
            /**
             * Gate Report
             * @description {decision, overridable, words, gates: [{name, kind, passed, words, figures}]}
             */
            gate_report: {
                [key: string]: unknown;
            } | null;
            /** Id */
            id: string;
            /** Number */
            number: number;
            /**
             * Policy
             * @description The project's policy as it was when the round began.
             */
            policy: {
                [key: string]: unknown;
            };
            /** @description The job that is at it, or that gave up. */
            progress: components["schemas"]["RoundProgress"] | null;
            /** Project Id */
            project_id: string;
            /** Reason */
            reason: string;
            /** Snapshot Id */
            snapshot_id: string | null;
            /** Started At */
            started_at: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "frozen" | "training" | "trained" | "evaluating" | "judged" | "promoted" | "rejected" | "failed" | "cancelled";
            /**
             * Steps
             * @enum {string}
             */
            steps: "all" | "train";
            /**
             * Trigger
             * @enum {string}
             */
            trigger: "admin" | "masks" | "schedule" | "simulation";
        };
        /** RoundIn */
        RoundIn: {
            /**
             * Candidate Version Id
             * @description Train nothing: compare this model version with the active one.
             */
            candidate_version_id?: string | null;
            /**
             * Steps
             * @description `train`: rest once there is a candidate; its evaluation is asked for separately.
             * @default all
             * @enum {string}
             */
            steps?: "all" | "train";
        };
        /** RoundList */
        RoundList: {
            /** Rounds */
            rounds: components["schemas"]["Round"][];
        };
        /** RoundPreview */
        RoundPreview: {
            counts: components["schemas"]["RoundCounts"];
            /**
             * New Masks
             * @description Accepted masks that people made since the last round began.
             */
            new_masks: number;
        };
        /** RoundProgress */
        RoundProgress: {
            /** Done */
            done: number;
            /** Failure */
            failure: string | null;
            /** Job Id */
            job_id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "freeze" | "train" | "evaluate";
            /** Message */
            message: string;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "dead";
            /** Total */
            total: number;
        };
        /** ScaleStep */
        ScaleStep: {
            /** High */
            high: number;
            /** Low */
            low: number;
            /** Words */
            words: string;
        };
        /** SinceLastRound */
        SinceLastRound: {
            /**
             * Automatic Masks
             * @description Accepted masks that a model made.
             */
            automatic_masks: number;
            /** Began At */
            began_at: string | null;
            /**
             * Human Masks
             * @description Accepted masks by people since it began; ever, before the first.
             */
            human_masks: number;
            /**
             * Images
             * @description Images with such masks.
             */
            images: number;
            /**
             * Round Number
             * @description The last round; null before the first.
             */
            round_number: number | null;
        };
        /** StageChange */
        StageChange: {
            /** Actor Id */
            actor_id: string | null;
            /**
             * Actor Name
             * @description Null when the rule took the step.
             */
            actor_name: string | null;
            /**
             * Cause
             * @enum {string}
             */
            cause: "rule" | "admin";
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * From Stage
             * @enum {string}
             */
            from_stage: "assisted_manual" | "semi_automatic" | "fully_automatic";
            /** Id */
            id: string;
            numbers: components["schemas"]["StageNumbers"];
            /** Reason */
            reason: string;
            /**
             * To Stage
             * @enum {string}
             */
            to_stage: "assisted_manual" | "semi_automatic" | "fully_automatic";
        };
        /** StageHistory */
        StageHistory: {
            /** Changes */
            changes: components["schemas"]["StageChange"][];
        };
        /** StageNeeds */
        StageNeeds: {
            /**
             * Acceptance
             * @description Share of the decided proposals that were accepted as they were.
             */
            acceptance: number | null;
            /**
             * Audit
             * @description Share of the last closed audit's masks with an IoU above 0.90.
             */
            audit: number | null;
            /**
             * Masks
             * @description Accepted masks that were made in the stage; null asks for nothing.
             */
            masks: number | null;
            /**
             * Rounds
             * @description Rounds promoted since the stage began.
             */
            rounds: number | null;
        };
        /** StageNumbers */
        StageNumbers: {
            /**
             * Above
             * @description Those of them whose IoU with the correction is above 0.90.
             */
            above: number;
            /**
             * Accepted
             * @description Those of them that were accepted as they were.
             */
            accepted: number;
            /**
             * Audited
             * @description Masks corrected in the last closed audit.
             */
            audited: number;
            /**
             * Decided
             * @description Proposals that people decided on since the stage began.
             */
            decided: number;
            /**
             * Masks
             * @description Accepted masks that were made in this stage.
             */
            masks: number;
            /**
             * Rounds
             * @description Rounds promoted since the stage began.
             */
            rounds: number;
        };
        /** StagePolicy */
        StagePolicy: {
            /**
             * Advance
             * @description Whether a step that is due happens by itself.
             * @enum {string}
             */
            advance: "manual" | "automatic";
            assisted_manual: components["schemas"]["StageNeeds"];
            semi_automatic: components["schemas"]["StageNeeds"];
        };
        /** StageRule */
        StageRule: {
            /** Conditions */
            conditions: components["schemas"]["Condition"][];
            /**
             * Due
             * @description Every condition is met.
             */
            due: boolean;
            /**
             * To Stage
             * @description Null in the last stage.
             */
            to_stage: ("assisted_manual" | "semi_automatic" | "fully_automatic") | null;
        };
        /** StageStep */
        StageStep: {
            /**
             * Reason
             * @description Needed unless the rule asks for this step.
             * @default
             */
            reason?: string;
            /**
             * To
             * @enum {string}
             */
            to: "assisted_manual" | "semi_automatic" | "fully_automatic";
        };
        /** TakeIn */
        TakeIn: {
            /**
             * Take Over
             * @description Also when somebody else is working on it.
             * @default false
             */
            take_over?: boolean;
        };
        /** TrainingPolicy */
        TrainingPolicy: {
            /**
             * Exclude Actors
             * @description Ids of annotators whose masks are left out.
             */
            exclude_actors: string[];
            /**
             * Held Out Share
             * @description Share of the groups of images that are never trained on.
             */
            held_out_share: number;
            /**
             * Human Weight
             * @description How often a mask of a person counts against an automatic one.
             */
            human_weight: number;
            /**
             * Include Older
             * @description Also masks that an earlier round trained on already.
             */
            include_older: boolean;
            /** Minutes */
            minutes: number;
            /**
             * Mode
             * @enum {string}
             */
            mode: "decoder" | "full" | "auto";
            /**
             * Sources
             * @enum {string}
             */
            sources: "all" | "human" | "automatic";
        };
        /** TriggerPolicy */
        TriggerPolicy: {
            /**
             * Every Masks
             * @description New masks of people after which a round starts; null: never.
             */
            every_masks: number | null;
            /**
             * Schedule Hours
             * @description Hours between rounds that start by themselves; null: none do.
             */
            schedule_hours: number | null;
        };
        /** Upload */
        Upload: {
            /**
             * Accepted
             * @description New images, waiting to be read.
             */
            accepted: components["schemas"]["Image"][];
            /**
             * Duplicates
             * @description Files whose bytes the project already holds.
             */
            duplicates: components["schemas"]["Image"][];
            /**
             * Refused
             * @description Files that are not taken, each with its reason.
             */
            refused: components["schemas"]["Refusal"][];
        };
        /** VersionName */
        VersionName: {
            /** Digest */
            digest: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Version */
            version: string;
        };
        /** WorkerHealth */
        WorkerHealth: {
            /**
             * Alive
             * @description A worker was seen within the last half minute.
             */
            alive: boolean;
            /**
             * Seen At
             * @description When a worker last gave a sign of life.
             */
            seen_at: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    delete_annotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                annotation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_annotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                annotation_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AnnotationChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Annotation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `stale_revision`: somebody changed it since. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    accept_annotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                annotation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Annotation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description It is no proposal any more; the code is its state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reconsider_annotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                annotation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Annotation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description It is no proposal any more; the code is its state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restore_annotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                annotation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Annotation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `id_taken`, or `superseded` by somebody first. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    correct_audit_entry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                item_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Correction"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Corrected"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `lease_lost`: the entry is not yours any more; `done` by now. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    release_audit_entry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_audit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                audit_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Audit"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    close_audit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                audit_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Audit"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    next_audit_entry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                audit_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEntry"];
                };
            };
            /** @description Nothing is left to do. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retire_category: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                category_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_category: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                category_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CategoryChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Category"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_embedding: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                encoder_digest: string;
                pixel_digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Safetensors with float16 tensors; immutable. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The caller already has these bytes. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listen: {
        parameters: {
            query?: {
                project_id?: string | null;
            };
            header?: {
                /** @description Resume after this event. */
                "last-event-id"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_export: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                export_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Export"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_archive: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                export_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description annotations.json, manifest.json and, if asked for, images/. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                };
            };
            /** @description The caller already has these bytes. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_generation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                generation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Generation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_generation_images: {
        parameters: {
            query?: {
                state?: ("queued" | "done" | "failed" | "skipped") | null;
                after?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                generation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationImageList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    act_on_generation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                generation_id: string;
                action: "pause" | "resume" | "cancel" | "retry";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Generation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `generation_state`: its state does not allow this. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    erase_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_annotations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnnotationList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_annotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AnnotationIn"];
            };
        };
        responses: {
            /** @description It was saved already. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Annotation"];
                };
            };
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Annotation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `id_taken`, or `superseded` by somebody first. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_assignment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Assignment"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    take_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TakeIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Assignment"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `held` by somebody else; `not_ready`: there are no pixels. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    release_image: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    set_complete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Completeness"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_pixels: {
        parameters: {
            query?: {
                d?: string | null;
            };
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description JPEG or PNG; masks and prompts are in its pixels. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description The caller already has these bytes. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_proposals: {
        parameters: {
            query?: {
                source?: ("automatic" | "detector") | null;
                /** @description Left out: as the project's policy says. */
                min_predicted_iou?: number | null;
                /** @description Left out: as the project's policy says. */
                min_stability?: number | null;
            };
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProposalList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    accept_proposals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Acceptance"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_thumbnail: {
        parameters: {
            query?: {
                d?: string | null;
            };
            header?: never;
            path: {
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description WebP, at most 320 pixels a side. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/webp": string;
                };
            };
            /** @description The caller already has these bytes. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retry_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_model_versions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersionList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_model_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersion"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_decoder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description ONNX; its SHA-256 is in the manifest. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The caller already has these bytes. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_projects: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_project: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    archive_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    take_next: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NextIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Assignment"];
                };
            };
            /** @description No image waits for you. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_audits: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_audit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AuditIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Audit"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `nothing_to_audit`: there are no automatic masks. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_categories: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CategoryList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_category: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CategoryIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Category"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_detectors: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DetectorList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    train_detector: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DetectorIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Detector"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `no_model`: no model version serves this project. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_effort: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EffortTable"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_exports: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExportList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_export: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExportIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Export"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_generations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    start_generation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GenerationIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Generation"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `no_model`, `no_detector`, or `generation_running`: one of this source. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_images: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                after?: string | null;
                limit?: number;
                /** @description `empty`: ready, no accepted annotation, not complete; `annotated`: some, not complete. */
                state?: ("queued" | "ready" | "failed" | "empty" | "annotated" | "complete") | null;
            };
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagePage"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload_images: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** @description Any number of files. */
                    files: string[];
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_policy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectPolicy"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    write_policy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PolicyIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectPolicy"];
                };
            };
            /** @description `bad_policy`: the field and why. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_promotions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PromotionList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    preview_proposals: {
        parameters: {
            query?: {
                source?: ("automatic" | "detector") | null;
                /** @description Left out: as the project's policy says. */
                min_predicted_iou?: number | null;
                /** @description Left out: as the project's policy says. */
                min_stability?: number | null;
                images?: number;
            };
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Preview"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_rating_tasks: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RatingTaskList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_rating_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RatingTaskIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RatingTask"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `nothing_to_rate`: no source has a mask that can be judged. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    roll_back: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Promotion"];
                };
            };
            /** @description `reason_needed` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `nothing_before`, `never_active`, `moved`, `already_active` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_rounds: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoundList"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    start_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoundIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoundDetail"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    preview_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoundPreview"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_stage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectStage"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_stage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StageStep"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectStage"];
                };
            };
            /** @description `reason_needed`: the rule does not ask for this step. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `stage`: the project is not next to that stage (any more). */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_stage_changes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StageHistory"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_rating_guidelines: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RatingGuidelines"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    release_rating_entry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rate_entry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                item_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RatingIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `lease_lost`: somebody else has it; `closed`: the task is over. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_rating_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RatingTask"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    close_rating_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RatingTask"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    next_rating_entry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RatingEntry"];
                };
            };
            /** @description Nothing is left for the caller. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                round_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoundDetail"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                round_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoundDetail"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    evaluate_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                round_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoundDetail"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    promote_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                round_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PromoteIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Promotion"];
                };
            };
            /** @description `reason_needed`: this goes against the gate report. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_judged`; `not_overridable`: the candidate is broken or its comparison not honest; `moved`: another version became active since; `rejected`, `withdrawn`: this version may not serve. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reject_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                round_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RejectIn"];
            };
        };
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_judged` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: {
                token?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed in. */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A page that says why not. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
