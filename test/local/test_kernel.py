from kernel import new_job_group


def test_no_client_gets_the_name_of_another_one_that_had_its_process_number() -> None:
    names = [new_job_group() for _ in range(100)]
    assert len(set(names)) == len(names)
